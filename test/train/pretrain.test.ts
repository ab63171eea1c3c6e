// A whole small run: it learns something, is a model, and goes on after an interruption to the bit.
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import tf from '#tfjs';
import {Emu} from '../../src/emu.js';
import {selectBackend} from '../../src/kernels/backend.js';
import {runStage} from '../../src/train/run.js';
import type {TrainingProgress} from '../../src/train/train.js';
import {variants} from '../support/backends.js';
import {temporaryFolder} from '../support/temporary.js';
import {writeTinyRecipe} from './tinyRecipe.js';

const test = suite('pretrain');
const folder = temporaryFolder();
process.env.EMU_CACHE_DIR = folder;
const recipeFile = writeTinyRecipe(folder);

interface Run {
  readonly out: string;
  readonly stopAfter?: number;
  readonly resume?: boolean;
  readonly overrides?: string[];
}

/** Trains into a folder; stops after so many steps when told. */
async function train({out, stopAfter = Number.POSITIVE_INFINITY, ...options}: Run) {
  const stop = new AbortController();
  const seen: TrainingProgress[] = [];
  const onProgress = (progress: TrainingProgress) => {
    seen.push(progress);
    if (seen.length >= stopAfter) stop.abort();
  };
  const run = path.join(folder, out);
  await runStage('pretrain', {recipeFile, out: run, signal: stop.signal, onProgress, ...options});
  return {seen, model: readFileSync(path.join(run, 'model.safetensors'))};
}

const all = variants();
const native = all.findLast(({backend}) => backend === 'native');
const backends = all.filter((variant) => variant.backend !== 'native' || variant === native);
for (const {name, backend, isa} of backends)
  test(`a resumed run equals one in one go (${name})`, async () => {
    selectBackend({backend, ...(isa ? {isa} : {})});
    const whole = await train({out: `whole-${backend}`});
    assert.is(whole.seen.length, 10);
    assert.ok(whole.seen.every(({loss}) => Number.isFinite(loss)));
    // Once inside either phase.
    for (const stopAfter of [3, 8]) {
      const out = `parts-${backend}-${stopAfter}`;
      const first = await train({out, stopAfter});
      const second = await train({out, resume: true});
      const losses = [...first.seen, ...second.seen].map(({loss}) => loss);
      assert.equal(
        losses,
        whole.seen.map(({loss}) => loss),
      );
      assert.ok(second.model.equals(whole.model), 'the same weights, byte for byte');
    }
  });

test('a run learns, and is a model', async () => {
  selectBackend({backend: 'auto'});
  const overrides = ['phases.0.steps=60', 'phases.1.steps=60', 'phases.1.batch=8'];
  const {seen} = await train({out: 'longer', overrides});
  const mean = (from: number, to: number) =>
    seen.slice(from, to).reduce((sum, {loss}) => sum + loss, 0) / (to - from);
  assert.ok(mean(50, 60) < 0.7 * mean(0, 10), `classifier: ${mean(0, 10)} to ${mean(50, 60)}`);
  assert.ok(mean(110, 120) < 0.8 * mean(60, 70), `documents: ${mean(60, 70)} to ${mean(110, 120)}`);
  const emu = await Emu.load(path.join(folder, 'longer'));
  const data = new Uint8Array(16 * 16 * 3).fill(200);
  const items = [{type: 'image', picture: {width: 16, height: 16, data}}] as const;
  for await (const event of emu.generateText(items, {task: 'caption', numBeams: 1, maxTokens: 8}))
    if (event.type === 'done') assert.match(event.result.text, /shape/);
  emu.close();
});

test('training leaves no tensor behind', async () => {
  selectBackend({backend: 'auto'});
  const counts: number[] = [];
  await runStage('pretrain', {
    recipeFile,
    out: path.join(folder, 'leaks'),
    onProgress: ({phase}) => phase === 'read' && counts.push(tf.memory().numTensors),
  });
  assert.equal(new Set(counts.slice(1)).size, 1, `tensors after each step: ${counts.join(' ')}`);
});

test('a folder that holds a run is not overwritten', async () => {
  let message = '';
  await train({out: 'longer'}).catch((error: Error) => {
    message = error.message;
  });
  assert.match(message, /already holds a run/);
});

test.run();
