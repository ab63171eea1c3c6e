// Runs a script as the ranks of a real mpirun.
import {type ChildProcess, spawn, spawnSync} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import path from 'node:path';
import * as assert from 'uvu/assert';
import {loadMpi} from '../../../src/train/mpi/addon.js';
import {type Ended, finished, root} from '../../cli/runEmu.js';
import {pictureSources, smallModel} from '../captionedPictures.js';

/** Why ranks cannot be started here, or undefined. An addon that should be there and is not is no reason. */
export function whyNoRanks(): string | undefined {
  if (spawnSync('mpirun', ['--version']).status !== 0) return 'needs mpirun (openmpi-bin)';
  const reason = path.join(root, 'build', `${process.platform}-${process.arch}`, 'mpi-problem.txt');
  const mpi = loadMpi();
  const hasNoHeaders = existsSync(reason) && /headers/.test(readFileSync(reason, 'utf8'));
  return 'problem' in mpi && hasNoHeaders ? `needs libopenmpi-dev: ${mpi.problem}` : undefined;
}

/** `mpirun -n COUNT node ARGS`, which may be run by root and beyond the cores. */
export function startRanks(
  count: number,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): {child: ChildProcess; ended: Promise<Ended>} {
  const all = ['--oversubscribe', '-n', String(count), process.execPath, ...args];
  const child = spawn('mpirun', all, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      OMPI_ALLOW_RUN_AS_ROOT: '1',
      OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
      ...env,
    },
  });
  return {child, ended: finished(child)};
}

/** `mpirun -n COUNT emu ARGS`, a thread a rank. `cache`: the folder of its caches. */
export const startEmuRanks = (count: number, args: readonly string[], cache: string) =>
  startRanks(count, [path.join(root, 'bin/emu'), ...args], {
    EMU_CACHE_DIR: cache,
    EMU_THREADS: '1',
  });

/** What ranks and one process learn alike: the captions of eight pictures (writePictures). */
export const ranksRecipe = (steps: number) => `
seed: 1
model: ${smallModel}
vocabulary: words
data:
  sources: ${pictureSources}
phases:
  - name: read
    steps: ${steps}
    batch: 8
    learningRates: {vision: 0.001, causalFormer: 0.001, llama: 0.001}
logEvery: 1
save: {encoding: f32}
`;

export interface Ranks extends Ended {
  readonly seconds: number;
}

/** `mpirun -n COUNT node ARGS`; a script of TypeScript is compiled on the way. */
export async function runRanks(
  count: number,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ranks> {
  const started = performance.now();
  const {ended} = startRanks(count, ['--import', 'tsx', ...args], {NO_COLOR: '1', ...env});
  return {...(await ended), seconds: (performance.now() - started) / 1000};
}

/** The JSON line of each rank, in the order of ranks. */
export function told<T extends {rank: number}>({code, stdout, stderr}: Ranks, count: number): T[] {
  assert.is(code, 0, stderr);
  const lines = stdout
    .trim()
    .split(/\r?\n/)
    .map((line) => JSON.parse(line) as T);
  lines.sort((a, b) => a.rank - b.rank);
  assert.equal(
    lines.map(({rank}) => rank),
    Array.from({length: count}, (_, rank) => rank),
  );
  return lines;
}
