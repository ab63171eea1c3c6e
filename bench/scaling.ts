// Training under 1, 2 and 4 ranks of one machine: rows a second, and how many of them a core does.
// Run: npm run bench scaling [RECIPE [PHASE [STEPS]]]   a pretraining recipe; of it one phase, from 0
import {spawnSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {stringify} from 'yaml';
import {median} from '../src/train/median.js';
import {pretrainRecipe} from '../src/train/recipe/pretrain.js';
import {readRecipe, withPaths} from '../src/train/recipe/read.js';
import {column} from './timing.js';

const root = path.resolve(import.meta.dirname, '..');
const [file = path.join(root, 'recipes/emu-mini.yaml'), number = '0', count = '12'] =
  process.argv.slice(2);
const steps = Number(count);
const WARM = 2; // steps that are not counted: buffers are made, data is read ahead

/** The recipe with one phase of a few steps, its files named in full. */
function shortRecipe(): {text: string; batch: number; name: string} {
  const recipe = withPaths(readRecipe(file, pretrainRecipe), file);
  const phase = {...recipe.phases[Number(number)]!, steps};
  const text = stringify({
    ...recipe,
    phases: [phase],
    validation: undefined,
    samples: undefined,
    logEvery: 1,
    checkpoint: {minutes: 1000},
  });
  return {text, batch: phase.batch, name: phase.name};
}

interface Step {
  readonly seconds: number;
  readonly waited: number;
}

/** Trains with that many ranks of one thread each; the counted steps. */
function train(ranks: number, recipe: string, out: string): Step[] {
  const emu = [process.execPath, path.join(root, 'bin/emu'), 'train', 'pretrain'];
  const {status, stderr} = spawnSync(
    'mpirun',
    ['--oversubscribe', '-n', String(ranks), ...emu, recipe, '--out', out],
    {
      encoding: 'utf8',
      env: {
        ...process.env,
        EMU_THREADS: '1',
        OMPI_ALLOW_RUN_AS_ROOT: '1',
        OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
      },
    },
  );
  if (status !== 0) throw new Error(`${ranks} ranks ended with ${status}: ${stderr}`);
  const lines = readFileSync(path.join(out, 'metrics.jsonl'), 'utf8').trim().split('\n');
  return lines.slice(WARM).map((line) => JSON.parse(line) as Step);
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'emu-scaling-'));
try {
  const {text, batch, name} = shortRecipe();
  const recipe = path.join(folder, 'recipe.yaml');
  writeFileSync(recipe, text);
  const cores = os.availableParallelism();
  console.log(`${path.basename(file)}, phase ${name}: ${batch} rows a step, ${cores} cores,`);
  console.log('one thread a rank; medians');
  console.log('ranks  cores    rows/s  rows/s a core  of one rank’s  waited for data');
  let alone: number | undefined;
  for (const ranks of [1, 2, 4]) {
    const taken = train(ranks, recipe, path.join(folder, `of-${ranks}`));
    const rows = batch / median(taken.map(({seconds}) => seconds));
    // More ranks than cores share them.
    const used = Math.min(ranks, cores);
    const perCore = rows / used;
    alone ??= perCore;
    const waited = median(taken.map((step) => step.waited / step.seconds));
    console.log(
      `${String(ranks).padStart(5)}  ${String(used).padStart(5)} ${column(rows, 1, 9)}  ${column(perCore, 1, 13)}` +
        `  ${column((100 * perCore) / alone, 0, 11)} %  ${column(100 * waited, 0, 13)} %`,
    );
  }
} finally {
  rmSync(folder, {recursive: true, force: true});
}
