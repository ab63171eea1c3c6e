// A terminal that a test types into and looks at: a tmux server of its own with one window.
import {spawnSync} from 'node:child_process';
import * as assert from 'uvu/assert';

export const hasTmux = spawnSync('tmux', ['-V']).status === 0;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
let count = 0;

export class Tmux {
  private readonly socket = `emu-test-${process.pid}-${count++}`;
  private readonly end = () => this.tmux('kill-server');

  /** Runs `command`, a line of shell, in a window of that size; the window stays when it ends. */
  constructor(command: string, [columns, rows]: readonly [number, number], env: NodeJS.ProcessEnv) {
    const size = ['-x', String(columns), '-y', String(rows)];
    // UTF-8 whatever the locale; no configuration file.
    spawnSync(
      'tmux',
      ['-u', '-L', this.socket, '-f', '/dev/null', 'new-session', '-d', ...size, command],
      {env},
    );
    this.tmux('set-option', '-g', 'remain-on-exit', 'on');
    process.on('exit', this.end);
  }

  /** Keys by tmux's names: Enter, C-c, Escape. */
  press(...keys: string[]): void {
    this.tmux('send-keys', ...keys);
  }

  type(text: string): void {
    this.tmux('send-keys', '-l', '--', text);
  }

  resize(columns: number, rows: number): void {
    this.tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** The lines that are seen, or with what has scrolled away; without blanks at their ends. */
  screen(withHistory = false): string[] {
    const from = withHistory ? ['-S', '-'] : [];
    return this.tmux('capture-pane', '-p', ...from)
      .split('\n')
      .map((line) => line.trimEnd());
  }

  /** Copies what the window's program writes from now on into `file`. */
  copyOutput(file: string): void {
    this.tmux('pipe-pane', '-o', `cat > '${file}'`);
  }

  cursor(): {x: number; y: number} {
    const [x = -1, y = -1] = this.tmux('display-message', '-p', '#{cursor_x},#{cursor_y}')
      .split(',')
      .map(Number);
    return {x, y};
  }

  /** Waits until the screen is as `isSo` wants it; returns the milliseconds that it took. */
  async until(
    what: string,
    isSo: (lines: string[]) => boolean,
    {seconds = 30, every = 40} = {},
  ): Promise<number> {
    const started = performance.now();
    for (;;) {
      const lines = this.screen();
      const waited = performance.now() - started;
      if (isSo(lines)) return waited;
      if (waited > 1000 * seconds)
        assert.unreachable(`expected ${what} on the screen:\n${lines.join('\n')}`);
      await pause(every);
    }
  }

  close(): void {
    process.off('exit', this.end);
    this.end();
  }

  private tmux(...words: string[]): string {
    return spawnSync('tmux', ['-u', '-L', this.socket, ...words], {encoding: 'utf8'}).stdout;
  }
}
