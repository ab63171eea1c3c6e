// Every tensor of the autoencoder golden, on every backend.
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {collectTrace} from '../../src/model/trace.js';
import {assertClose, type NumberArray} from '../support/assertClose.js';
import {goldenVae, loadGoldenVae} from '../support/goldenDecoder.js';
import {onEveryBackend} from '../support/goldenModel.js';
import {goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';

const test = suite('vae goldens');
const tolerance = {atol: 2e-4, rtol: 1e-4};
const golden = goldens('vae');

if (!golden || !goldenVae()) {
  skip(test, 'vae: encode and decode', 'the goldens are not in this clone');
} else {
  const floats = (name: string) => golden.get(name) as NumberArray & {data: Float32Array};
  const close = (x: tf.Tensor, name: string) => assertClose(x, floats(name), tolerance, name);

  onEveryBackend(test, 'vae: encode and decode', () => {
    const {model, dispose} = loadGoldenVae();
    const wanted = golden.names().filter((name) => !/^(encode|decode|decode_latents)\./.test(name));
    assert.ok(wanted.length > 0);
    const seen = new Set<string>();
    const compare = (traceName: string, x: tf.Tensor) => {
      const name = traceName.replace(/^vae\./, '');
      if (!golden.has(name)) return;
      close(x, name);
      seen.add(name);
    };
    const tensorsBefore = tf.memory().numTensors;
    tf.tidy(() => {
      const pixels = golden.tensor<tf.Tensor4D>('encode.in');
      const {mean, logVariance} = collectTrace(compare, () => model.encode(pixels));
      close(mean, 'encode.mean');
      close(logVariance, 'encode.logvar');
      close(model.toLatents(pixels), 'encode.mode_times_scaling');

      const latents = golden.tensor<tf.Tensor4D>('decode.in');
      close(
        collectTrace(compare, () => model.decode(latents)),
        'decode.out',
      );
      const scaled = golden.tensor<tf.Tensor4D>('decode_latents.in');
      close(model.toPictures(scaled), 'decode_latents.out_nhwc');
    });
    assert.equal(
      wanted.filter((name) => !seen.has(name)),
      [],
    );
    assert.is(model.config.scalingFactor, golden.json.scaling_factor);
    assert.is(model.factor, golden.json.vae_scale_factor);
    assert.is(tf.memory().numTensors, tensorsBefore);
    dispose();
  });

  onEveryBackend(test, 'vae: a sample is the mean plus the noise times the deviation', () => {
    const {model, dispose} = loadGoldenVae();
    tf.tidy(() => {
      const pixels = golden.tensor<tf.Tensor4D>('encode.in');
      const {shape, data: mean} = floats('encode.mean');
      const {data: logVariance} = floats('encode.logvar');
      const noise = Float32Array.from(mean, (_, i) => Math.sin(i));
      const data = noise.map(
        (value, i) =>
          golden.json.scaling_factor * (mean[i]! + Math.exp(logVariance[i]! / 2) * value),
      );
      const sample = model.toLatents(
        pixels,
        tf.tensor<tf.Rank.R4>(noise, shape as tf.Tensor4D['shape']),
      );
      assertClose(sample, {shape, data}, tolerance, 'sample');
    });
    dispose();
  });
}

test.run();
