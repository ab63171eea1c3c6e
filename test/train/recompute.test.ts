// Gradient checkpointing: the same losses and gradients to the bit, in less memory.
import {readFileSync} from 'node:fs';
import path from 'node:path';
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {withDropout} from '../../src/model/dropout.js';
import {EmuModel} from '../../src/model/emu.js';
import {Random} from '../../src/random.js';
import {gradientsOf} from '../../src/train/gradients.js';
import {countPredictions} from '../../src/train/data/labels.js';
import {documentLosses} from '../../src/train/objective.js';
import {runStage} from '../../src/train/run.js';
import {Variables} from '../../src/train/variables.js';
import {onEveryBackend} from '../support/goldenModel.js';
import {temporaryFolder} from '../support/temporary.js';
import {tinyConfig} from '../support/tinyEmu.js';
import {tokenizer} from './data/support.js';
import {writeTinyRecipe} from './tinyRecipe.js';

const test = suite('gradient checkpointing');

/** A tiny instruct model, deeper than wide: what its blocks keep is most of the memory. */
function deepConfig(layers: number) {
  const {vision, causalFormer, llama, ...rest} = tinyConfig('instruct');
  return {
    ...rest,
    vision: {...vision, layers},
    causalFormer: {...causalFormer, layers},
    llama: {...llama, layers, vocabSize: tokenizer.vocabSize},
  };
}

const {bos, img, image, endImg} = tokenizer.ids;
const words = Array.from({length: 40}, (_, i) => 13 + i);
const row = [bos, img, image, image, image, endImg, ...words];
// The second row holds two documents.
const ids = [row, [...words, bos, img, image, image, image, endImg]];
const documents = {
  ids,
  labels: ids.map((all) => all.map((id) => (id > 9 ? id : -100))),
  lengths: [row.length, row.length],
  packed: {
    positions: [row.map((_, t) => t), row.map((_, t) => (t < 40 ? t : t - 40))],
  },
};

interface Trial {
  readonly layers: number;
  readonly recomputes: boolean;
  /** Which weights learn. */
  readonly learning?: RegExp;
}

/** Losses, gradients as numbers, and the most bytes that tensors took at any time. */
function run({layers, recomputes, learning = /./}: Trial) {
  const config = deepConfig(layers);
  const random = new Random(7);
  const variables = new Variables((_, shape) => {
    const length = shape.reduce((product, size) => product * size, 1);
    return tf.tensor(
      Float32Array.from({length}, () => 0.3 * random.normal()),
      [...shape],
    );
  });
  const model = new EmuModel(variables, config);
  const {imageSize} = config.vision;
  const pixels = tf.tensor4d(
    Float32Array.from({length: 2 * 3 * imageSize ** 2}, () => random.normal()),
    [2, 3, imageSize, imageSize],
  );
  const options = {
    textWeight: 1,
    regressionWeight: 1,
    reduction: 'mean',
    totals: countPredictions(documents, tokenizer.ids),
  } as const;
  const chosen = new Map([...variables.all].filter(([name]) => learning.test(name)));
  const part = () => () =>
    withDropout(0.3, new Random(11), () => {
      const embeds = model.encodeImages(pixels);
      return documentLosses(model, documents, embeds, tokenizer.ids, options);
    });
  const before = tf.memory();
  const {peak, result} = withPeak(() => gradientsOf([part], chosen, {recomputes}));
  const {grads, losses} = result;
  const values = Object.entries(grads).map(([name, grad]) => [name, [...grad.dataSync()]] as const);
  tf.dispose(grads);
  assert.is(tf.memory().numTensors, before.numTensors, 'tensors are left behind');
  variables.dispose();
  pixels.dispose();
  return {losses, grads: new Map(values), bytes: peak - before.numBytes};
}

/** Runs `body` and watches the engine's count of bytes whenever a tensor is added to it. */
function withPeak<R>(body: () => R): {peak: number; result: R} {
  const engine = tf.engine();
  const track = engine.trackTensor;
  let peak = 0;
  engine.trackTensor = function (...args) {
    track.apply(this, args);
    peak = Math.max(peak, engine.memory().numBytes);
  };
  try {
    return {result: body(), peak};
  } finally {
    engine.trackTensor = track;
  }
}

for (const [what, learning] of [
  ['all weights', /./],
  ['the tuning', /\.lora_[AB]\./],
  ['the causal transformer', /^cformer\./],
  ['the vision encoder and the last block', /^visual\.|layers\.1\./],
] as const)
  onEveryBackend(test, `the same to the bit, learning ${what}`, () => {
    const kept = run({layers: 2, recomputes: false, learning});
    const again = run({layers: 2, recomputes: true, learning});
    assert.equal(again.losses, kept.losses);
    assert.equal([...again.grads.keys()].sort(), [...kept.grads.keys()].sort());
    for (const [name, values] of kept.grads) {
      assert.equal(again.grads.get(name), values, name);
      assert.ok(
        values.some((value) => value !== 0),
        `${name} is 0`,
      );
    }
  });

onEveryBackend(test, 'memory grows less with the number of blocks', () => {
  const growth = (recomputes: boolean) =>
    run({layers: 10, recomputes}).bytes - run({layers: 2, recomputes}).bytes;
  const [kept, again] = [growth(false), growth(true)];
  console.log(`8 blocks more a tower: ${kept} bytes kept, ${again} with recomputation`);
  assert.ok(again < 0.5 * kept, `${again} of ${kept} bytes`);
});

test('a run trains the same weights', async () => {
  const folder = temporaryFolder();
  process.env.EMU_CACHE_DIR = folder;
  const recipeFile = writeTinyRecipe(folder);
  const models: Buffer[] = [];
  for (const gradientCheckpointing of [false, true]) {
    const out = path.join(folder, String(gradientCheckpointing));
    const overrides = [`gradientCheckpointing=${gradientCheckpointing}`];
    await runStage('pretrain', {recipeFile, out, overrides});
    models.push(readFileSync(path.join(out, 'model.safetensors')));
  }
  assert.ok(models[0]!.equals(models[1]!), 'byte for byte');
});

test.run();
