// What a person feels of `emu chat`: milliseconds until its prompt, and from a key to its letter on the
// screen while the model draws: the median and the worst; tmux is the terminal, and how long it takes itself
// is seen by typing to `cat` meanwhile.
//   npm run bench chatScreen [starts]
import {spawnSync} from 'node:child_process';
import {createReadStream, mkdtempSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {setTimeout} from 'node:timers/promises';
import {stripVTControlCharacters} from 'node:util';
import {cleanEnvironment, root} from '../test/cli/runEmu.js';
import {hasTmux, Tmux} from '../test/support/tmux.js';

if (!hasTmux) throw new Error('bench chatScreen: needs tmux');
const numStarts = Number(process.argv[2] ?? 5);
const home = mkdtempSync(path.join(os.tmpdir(), 'emu-bench-'));
const {TMUX: _, CI: __, ...clean} = cleanEnvironment();
const env = {...clean, EMU_HOME: home, TERM: 'xterm-256color'};
const command = `'${process.execPath}' '${path.join(root, 'bin', 'emu')}' chat`;

function summary(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const [median, worst] = [sorted[Math.floor(sorted.length / 2)]!, sorted.at(-1)!];
  return `median ${median.toFixed(0)} ms, worst ${worst.toFixed(0)} ms of ${values.length}`;
}

const starts: number[] = [];
const keys: number[] = [];
const echoes: number[] = [];

/** Milliseconds from each key until the program has written it, as `shown` says, at a typist's pace. */
async function typeText(terminal: Tmux, shown: (typed: string) => string): Promise<number[]> {
  const pipe = path.join(home, 'output');
  spawnSync('mkfifo', [pipe]);
  const output = createReadStream(pipe, 'utf8');
  let written = '';
  output.on('data', (chunk) => {
    written += chunk;
  });
  terminal.copyOutput(pipe);
  const times: number[] = [];
  let typed = '';
  for (const letter of 'the quick brown fox jumps over the lazy dog') {
    await setTimeout(100);
    typed += letter;
    written = '';
    const started = performance.now();
    terminal.type(letter);
    // A blank at the end is not told from none.
    if (letter === ' ') continue;
    while (!stripVTControlCharacters(written).includes(shown(typed))) await setTimeout(1);
    times.push(performance.now() - started);
  }
  output.destroy();
  rmSync(pipe);
  return times;
}

for (let i = 0; i < numStarts; i++) {
  const terminal = new Tmux(command, [80, 24], env);
  starts.push(await terminal.until('the prompt', (lines) => lines.includes('›'), {every: 5}));
  if (i === numStarts - 1) {
    await terminal.until('the model', (lines) => lines.some((line) => / 0 tokens,/.test(line)));
    terminal.type('/draw --steps 900 a tomato');
    terminal.press('Enter');
    await terminal.until('the drawing', (lines) => lines.some((line) => /step \d/.test(line)));
    keys.push(...(await typeText(terminal, (typed) => `› ${typed}`)));
    const echo = new Tmux('cat', [80, 24], env);
    echoes.push(...(await typeText(echo, (typed) => typed.at(-1)!)));
    echo.close();
  }
  terminal.close();
}
rmSync(home, {recursive: true, force: true});
const [load = 0] = os.loadavg();
console.log(`until the prompt: ${summary(starts)}`);
console.log(`key to screen while it draws: ${summary(keys)}`);
console.log(`the same by cat, beside it:  ${summary(echoes)}`);
console.log(`${os.availableParallelism()} cores, load ${load.toFixed(1)}`);
