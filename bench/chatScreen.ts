// What a person feels of `emu chat`: milliseconds until its prompt, and from a key to its letter on the
// screen while the model draws: the median and the worst; tmux is the terminal.
//   npm run bench chatScreen [starts]
import {mkdtempSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
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
for (let i = 0; i < numStarts; i++) {
  const terminal = new Tmux(command, [80, 24], env);
  starts.push(await terminal.until('the prompt', (lines) => lines.includes('›'), {every: 5}));
  if (i === numStarts - 1) {
    await terminal.until('the model', (lines) => lines.some((line) => / 0 tokens,/.test(line)));
    terminal.type('/draw --steps 900 a tomato');
    terminal.press('Enter');
    await terminal.until('the drawing', (lines) => lines.some((line) => /step \d/.test(line)));
    let typed = '';
    for (const letter of 'the quick brown fox jumps over the lazy dog') {
      typed += letter;
      const shown = `› ${typed}`.trimEnd();
      const started = performance.now();
      terminal.type(letter);
      // A blank at the end is not told from none.
      if (letter !== ' ') {
        await terminal.until(shown, (lines) => lines.includes(shown), {every: 1});
        keys.push(performance.now() - started);
      }
    }
  }
  terminal.close();
}
rmSync(home, {recursive: true, force: true});
const [load = 0] = os.loadavg();
console.log(`until the prompt: ${summary(starts)}`);
console.log(`key to screen while it draws (two calls of tmux included): ${summary(keys)}`);
console.log(`${os.availableParallelism()} cores, load ${load.toFixed(1)}`);
