// Documents packed into rows learn what they learn in rows of their own.
import {readFileSync} from 'node:fs';
import path from 'node:path';
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {EmuModel} from '../../src/model/emu.js';
import {Random} from '../../src/random.js';
import {type Batch, makeBatch} from '../../src/train/data/batch.js';
import type {TokenizedSample} from '../../src/train/data/tokenize.js';
import {type Gradients, gradientsOf} from '../../src/train/gradients.js';
import {splitRows} from '../../src/train/microBatches.js';
import {countPredictions} from '../../src/train/data/labels.js';
import {documentLosses} from '../../src/train/objective.js';
import {runStage} from '../../src/train/run.js';
import {Variables} from '../../src/train/variables.js';
import {assertClose} from '../support/assertClose.js';
import {onEveryBackend} from '../support/goldenModel.js';
import {temporaryFolder} from '../support/temporary.js';
import {tinyConfig} from '../support/tinyEmu.js';
import {tokenizer} from './data/support.js';
import {writeTinyRecipe} from './tinyRecipe.js';

const test = suite('packed rows');
const folder = temporaryFolder();
process.env.EMU_CACHE_DIR = folder;

const tiny = tinyConfig('pretrain');
const config = {...tiny, llama: {...tiny.llama, vocabSize: tokenizer.vocabSize}};
const {bos, img, image, endImg} = tokenizer.ids;
const {imageSize} = config.vision;

/** A document of some words, before which a picture may stand. */
function document(random: Random, words: number, hasPicture: boolean): TokenizedSample {
  const picture = hasPicture ? [img, image, image, image, endImg] : [];
  const text = Array.from({length: words}, () => 13 + random.below(40));
  const pixels = Float32Array.from({length: 3 * imageSize ** 2}, () => random.normal());
  return {
    name: 'made up',
    ids: [bos, ...picture, ...text],
    labels: [bos, ...picture.map(() => -100), ...text],
    pixels: hasPicture ? [pixels] : [],
    targets: [],
  };
}

/** Losses and gradients of a batch, in parts of so many rows. */
function gradients(batch: Batch, rows: number): Gradients {
  const random = new Random(7);
  const variables = new Variables((_, shape) => {
    const length = shape.reduce((product, size) => product * size, 1);
    return tf.tensor(
      Float32Array.from({length}, () => 0.6 * random.normal()),
      [...shape],
    );
  });
  const model = new EmuModel(variables, config);
  const options = {
    textWeight: 1,
    regressionWeight: 1,
    reduction: 'mean',
    totals: countPredictions(batch, tokenizer.ids),
  } as const;
  const parts = splitRows(batch, rows, image, config).map((documents) => () => () => {
    const {pixels} = documents;
    const count = pixels.length / (3 * imageSize ** 2);
    const embeds =
      count === 0
        ? undefined
        : model.encodeImages(tf.tensor4d(pixels, [count, 3, imageSize, imageSize]));
    return documentLosses(model, documents, embeds, tokenizer.ids, options);
  });
  return gradientsOf(parts, variables.all);
}

onEveryBackend(test, 'give the losses and gradients of their documents alone', () => {
  const random = new Random(3);
  const documents = [5, 2, 9, 1, 4, 7, 3].map((words, i) => document(random, words, i % 3 !== 1));
  const [a, b, c, d, e, f, g] = documents as [
    TokenizedSample,
    ...TokenizedSample[],
  ] as TokenizedSample[];
  const shape = {imageSize, isPacked: true};
  const packed = makeBatch([[a!, b!, c!], [d!], [e!, f!, g!]], tokenizer, shape);
  const alone = makeBatch(
    documents.map((one) => [one]),
    tokenizer,
    {imageSize, isPacked: false},
  );
  tf.tidy(() => {
    const alike = gradients(alone, alone.ids.length);
    for (const rows of [3, 2]) {
      const got = gradients(packed, rows);
      for (const [name, loss] of Object.entries(alike.losses))
        assert.ok(
          Math.abs(got.losses[name]! - loss) < 1e-5 * loss,
          `${name}: ${got.losses[name]}, want ${loss}`,
        );
      assert.equal(Object.keys(got.grads), Object.keys(alike.grads));
      for (const [name, grad] of Object.entries(alike.grads)) {
        const values = grad.dataSync() as Float32Array;
        const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-3);
        assertClose(got.grads[name]!, grad, {atol: 1e-5 * largest}, name);
      }
    }
    // The test can tell: without the packing's layout documents see those before them.
    const {packed: _, ...seen} = packed;
    const wrong = gradients(seen, 3);
    const [text, want] = [wrong.losses.text!, alike.losses.text!];
    assert.ok(Math.abs(text - want) > 1e-3 * want, `${text} without it, ${want} with it`);
  });
});

test('a run packs, and says samples one by one', async () => {
  const recipeFile = writeTinyRecipe(folder);
  const out = path.join(folder, 'run');
  await runStage('pretrain', {
    recipeFile,
    out,
    overrides: ['data.pack=3', 'phases.1.microBatch=2', 'samples={every: 10, rows: 2}'],
  });
  const lines = readFileSync(path.join(out, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const losses = lines.map((line) => JSON.parse(line) as {phase: string; loss: number});
  assert.is(losses.filter(({phase}) => phase === 'read').length, 4);
  assert.ok(losses.every(({loss}) => Number.isFinite(loss)));
  const samples = readFileSync(path.join(out, 'samples.jsonl'), 'utf8').trim().split('\n');
  assert.is(samples.length, 2);
});

test.run();
