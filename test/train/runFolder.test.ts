// What a run's folder looks like after a kill at a moment that is rarely hit, and who may use it.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {hostname} from 'node:os';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {selectBackend} from '../../src/kernels/backend.js';
import {runStage} from '../../src/train/run.js';
import {RunFolder} from '../../src/train/runFolder.js';
import {temporaryFolder} from '../support/temporary.js';
import {assertSameRun, checkpointsOf, metricsOf, runResults} from './runResults.js';
import {writeTinyRecipe} from './tinyRecipe.js';

const test = suite('run folder');
const folder = temporaryFolder();
process.env.EMU_CACHE_DIR = folder;
const recipeFile = writeTinyRecipe(folder);
selectBackend({backend: 'auto'});

/** Starts or resumes a run; where it is. */
async function train(name: string, overrides: string[] = []): Promise<string> {
  const out = path.join(folder, name);
  await runStage('pretrain', {recipeFile, out, resume: true, overrides});
  return out;
}

async function problem(body: () => unknown): Promise<string> {
  try {
    await body();
  } catch (error) {
    const {message} = error as Error;
    assert.not.match(message, /\n/);
    return message;
  }
  return 'no error';
}

const leftovers: Record<string, (out: string) => void> = {
  'lines before the first checkpoint': (out) => {
    for (const name of checkpointsOf(out)) rmSync(path.join(out, name));
  },
  'a cut line, lines beyond the checkpoint, half a file': (out) => {
    const more = '{"phase":"see","step":999,"loss":1}\n{"pha';
    writeFileSync(path.join(out, 'metrics.jsonl'), more, {flag: 'a'});
    writeFileSync(path.join(out, '.config.json.123-0a1b2c3d.tmp'), '{"vis');
  },
  'no model yet': (out) => rmSync(path.join(out, 'model.safetensors')),
  'nothing but the recipe': (out) => {
    for (const name of readdirSync(out)) if (name !== 'recipe.yaml') rmSync(path.join(out, name));
  },
  'nothing but half a recipe': (out) => {
    for (const name of readdirSync(out)) rmSync(path.join(out, name));
    writeFileSync(path.join(out, '.recipe.yaml.123-0a1b2c3d.tmp'), 'seed:');
  },
  'the lock of a dead process whose id another one has now': (out) => {
    const lock = {pid: process.pid, host: hostname(), started: 'earlier'};
    writeFileSync(path.join(out, 'run.lock'), JSON.stringify(lock));
  },
};
for (const [name, leave] of Object.entries(leftovers))
  test(`goes on from ${name}`, async () => {
    const out = await train('run');
    const expected = runResults(out);
    leave(out);
    await train('run');
    assertSameRun(out, expected, name);
  });

test('one process at a time', async () => {
  const out = path.join(folder, 'locked');
  const unlock = new RunFolder(out).lock();
  const inUse = new RegExp(`locked: process ${process.pid} trains in it; wait for it`);
  assert.match(await problem(() => new RunFolder(out).lock()), inUse);
  assert.match(await problem(() => train('locked')), inUse);
  unlock();
  await train('locked');
  assert.not.ok(existsSync(path.join(out, 'run.lock')));
});

test('a lock of another machine counts while it is fresh', async () => {
  const out = path.join(folder, 'elsewhere');
  mkdirSync(out);
  const lock = path.join(out, 'run.lock');
  writeFileSync(lock, JSON.stringify({pid: 1, host: 'elsewhere', started: ''}));
  const says = /process 1 of elsewhere trains in it; if it has ended, delete run\.lock there/;
  assert.match(await problem(() => new RunFolder(out).lock()), says);
  const old = new Date(Date.now() - 3_600_000);
  utimesSync(lock, old, old);
  new RunFolder(out).lock()();
  assert.not.ok(existsSync(lock));
});

test('nothing is overwritten', async () => {
  const start = (out: string, file = recipeFile) => runStage('pretrain', {recipeFile: file, out});
  const run = await train('run');
  assert.match(await problem(() => start(run)), /run: already holds a run; go on with --resume/);
  const model = path.join(folder, 'model');
  mkdirSync(model);
  writeFileSync(path.join(model, 'config.json'), '{}');
  assert.match(await problem(() => start(model)), /model: already holds a model; name another/);
  assert.match(await problem(() => start(folder)), /recipe\.yaml: lies in the folder of the run/);
  const file = path.join(folder, 'concepts.json');
  assert.match(await problem(() => start(file)), /concepts\.json: is a file or lies in one/);
  const nothing = path.join(folder, 'nothing');
  const resume = () => runStage('pretrain', {recipeFile: '', out: nothing, resume: true});
  assert.match(await problem(resume), /nothing: holds no run to resume; name a recipe/);
  assert.not.ok(existsSync(nothing));
});

test('a recipe that has become another model’s is refused', async () => {
  await train('run');
  const other = () => train('run', ['model.llama.intermediateSize=40']);
  assert.match(await problem(other), /run: its checkpoint has 384 numbers for \S+, the model 640;/);
});

test('a run that came to no step does not stand in the way of the next', async () => {
  const start = (overrides: string[]) =>
    runStage('pretrain', {recipeFile, out: path.join(folder, 'second'), overrides});
  assert.match(await problem(() => start(['data.sources.drawings.vendors=[none]'])), /none/);
  await start([]);
});

test('validation and samples: logged, the best checkpoint kept, no weight changed', async () => {
  // Steps that are too large: the last is not the best.
  const rates = 'phases.1.learningRates={causalFormer: 0.5, llama: 0.5}';
  const keep = ['checkpoint.minutes=0.0001', 'checkpoint.keep=1', rates];
  const plain = await train('plain', keep);
  const out = await train('watched', [
    ...keep,
    'validation={every: 2, batch: 3, batches: 2}',
    'samples={every: 5, rows: 3, maxTokens: 4, sources: {documents: 1}}',
  ]);
  const {'model.safetensors': model} = runResults(plain);
  assert.is(runResults(out)['model.safetensors'], model);
  const watched = metricsOf(out);
  const validations = watched.filter((line) => 'validationLoss' in line);
  assert.equal(
    validations.map(({step}) => step),
    [2, 4, 6, 8, 10],
  );
  assert.equal(
    watched.filter((line) => 'loss' in line),
    metricsOf(plain),
  );
  // The last phase's best: losses of phases with other objectives do not compare.
  const read = validations.filter(({phase}) => phase === 'read');
  const best = read.reduce((a, b) => (b.validationLoss! < a.validationLoss! ? b : a));
  assert.is(best.step, 8);
  assert.equal(checkpointsOf(out), ['checkpoint-8.safetensors', 'checkpoint-10.safetensors']);
  assert.equal(checkpointsOf(plain), ['checkpoint-10.safetensors']);
  const samples = readFileSync(path.join(out, 'samples.jsonl'), 'utf8').trim().split('\n');
  const said = samples.map((line) => JSON.parse(line));
  assert.equal(
    said.map(({step}) => step),
    [5, 5, 5, 10, 10, 10],
  );
  assert.ok(said.every((sample) => typeof sample.said === 'string'));
  assert.ok(said.some(({expected}) => /shape/.test(expected)));
});

test.run();
