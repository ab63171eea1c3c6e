// Every tensor of the vision goldens: ViT, ln_visual and C-Former of both models, on every backend.
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {relativePositionBuckets} from '../../src/model/causalFormer.js';
import {collectTrace} from '../../src/model/trace.js';
import {
  closeTo,
  goldenCheckpoint,
  loadGoldenModel,
  type Mode,
  onEveryBackend,
} from '../support/goldenModel.js';
import {goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';

const test = suite('vision goldens');
const tolerance = {atol: 2e-4, rtol: 1e-4};

for (const [group, mode] of [
  ['vision', 'pretrain'],
  ['vision_instruct', 'instruct'],
] as [string, Mode][]) {
  const golden = goldens(group);
  if (!golden || !goldenCheckpoint(mode)) {
    skip(test, `${group}: towers`, 'the goldens are not in this clone');
    continue;
  }
  const wanted = golden.names().filter((name) => /^(vit|ln_visual|cformer)/.test(name));

  onEveryBackend(test, `${group}: towers`, () => {
    const {model, dispose} = loadGoldenModel(mode);
    const seen = new Map<string, Float32Array>();
    tf.tidy(() => {
      const pixels = golden.tensor<tf.Tensor4D>('image');
      const keep = (name: string, x: tf.Tensor) => seen.set(name, Float32Array.from(x.dataSync()));
      collectTrace(keep, () => model.encodeImages(pixels));
    });
    dispose();
    for (const name of wanted.filter((name) => !/position_bias/.test(name))) {
      assert.ok(seen.has(name), `trace has ${name}`);
      closeTo(seen.get(name)!, golden.get(name).data as Float32Array, {...tolerance, name});
    }
  });

  const biasName = 'cformer.position_bias_plus_causal_mask';
  if (golden.has(biasName))
    onEveryBackend(test, `${group}: position bias`, () => {
      const {model, dispose} = loadGoldenModel(mode);
      const bias = tf.tidy(() => model.causalFormer.positionBias().dataSync().slice());
      dispose();
      const {shape, data} = golden.get(biasName);
      const numTokens = shape.at(-1)!;
      for (let i = 0; i < data.length; i++) {
        const isVisible = i % numTokens <= Math.floor(i / numTokens) % numTokens;
        // The golden is a batch of equal rows; what the causal mask hides is -1e4 there.
        const expected = Number(data[i]);
        if (isVisible) assert.ok(Math.abs(bias[i % bias.length]! - expected) < 1e-5, `bias ${i}`);
        else assert.ok(expected <= -9e3, `masked ${i}`);
      }
    });

  for (const name of golden.names().filter((name) => name.startsWith('t5_relative')))
    test(`${group}: ${name}`, () => {
      const {shape, data} = golden.get(name);
      const buckets = tf.tidy(() => relativePositionBuckets(shape[0]!, 32, 128).dataSync());
      assert.equal(Array.from(buckets), Array.from(data as BigInt64Array, Number));
    });
}

test.run();
