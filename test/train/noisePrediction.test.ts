import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {selectBackend} from '../../src/kernels/backend.js';
import {NoiseSchedule} from '../../src/model/diffusion/noiseSchedule.js';
import {Unet} from '../../src/model/diffusion/unet.js';
import {
  minSnrWeight,
  type NoisePredictionBatch,
  noisePredictionLoss,
} from '../../src/train/noisePrediction.js';
import {assertClose} from '../support/assertClose.js';
import {normal, randomVariables, tinyUnetConfig} from '../support/tinyDiffusion.js';

const test = suite('noise prediction');
selectBackend({backend: 'reference'});
const schedule = new NoiseSchedule({numSteps: 1000, betaStart: 0.00085, betaEnd: 0.012});

/** Runs with a tiny UNet and a batch of three. */
function withBatch(body: (unet: Unet, batch: NoisePredictionBatch) => void): void {
  const variables = randomVariables();
  const unet = new Unet(variables, tinyUnetConfig);
  const before = tf.memory().numTensors;
  tf.tidy(() =>
    body(unet, {
      latents: normal([3, 2, 4, 4], 2),
      noise: normal([3, 2, 4, 4], 3),
      timesteps: [0, 300, 999],
      context: normal([3, 5, 6], 4),
    }),
  );
  assert.is(tf.memory().numTensors, before);
  variables.dispose();
}

test('is the mean squared error of all elements, and of each sample', () => {
  withBatch((unet, batch) => {
    const {loss, perSample} = noisePredictionLoss(unet, schedule, batch);
    const {latents, noise, timesteps, context} = batch;
    const noisy = schedule.addNoise(latents, noise, timesteps);
    const predicted = unet.forward(noisy, timesteps, context).dataSync();
    const errors = Array.from(noise.dataSync(), (value, i) => (predicted[i]! - value) ** 2);
    const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
    const size = errors.length / 3;
    const wanted = [0, 1, 2].map((i) => mean(errors.slice(i * size, (i + 1) * size)));
    assertClose(perSample, {shape: [3], data: wanted}, {atol: 1e-5}, 'per sample');
    assertClose(loss, {shape: [], data: [mean(errors)]}, {atol: 1e-5}, 'loss');
  });
});

test('shows dropped samples the unconditional context', () => {
  withBatch((unet, batch) => {
    const unconditional = normal<tf.Rank.R3>([1, 5, 6], 5);
    const drop = {samples: [false, true, false], unconditional};
    const rows = tf.unstack(batch.context) as tf.Tensor2D[];
    rows[1] = tf.squeeze(unconditional, [0]);
    const replaced = {...batch, context: tf.stack(rows) as tf.Tensor3D};
    const of = (one: NoisePredictionBatch) => noisePredictionLoss(unet, schedule, one).perSample;
    assertClose(of({...batch, drop}), of(replaced), {atol: 1e-6}, 'per sample');
    const shown = of(batch).dataSync();
    const dropped = of({...batch, drop}).dataSync();
    assert.is(shown[0], dropped[0]);
    assert.is(shown[2], dropped[2]);
    assert.ok(Math.abs(shown[1]! - dropped[1]!) > 1e-4, `${shown[1]} and ${dropped[1]}`);
    const none = {samples: [false, false, false], unconditional};
    assert.equal(of({...batch, drop: none}).dataSync(), of(batch).dataSync());
  });
});

test('min-SNR weighs the loss, not the per-sample values', () => {
  withBatch((unet, batch) => {
    const gamma = 5;
    const plain = noisePredictionLoss(unet, schedule, batch);
    const weighted = noisePredictionLoss(unet, schedule, batch, {minSnrGamma: gamma});
    const values = plain.perSample.dataSync();
    assert.equal(weighted.perSample.dataSync(), values);
    const terms = batch.timesteps.map((t, i) => {
      const alpha = schedule.alphasCumprod[t]!;
      const snr = alpha / (1 - alpha);
      return (Math.min(snr, gamma) / snr) * values[i]!;
    });
    const wanted = (terms[0]! + terms[1]! + terms[2]!) / 3;
    assertClose(weighted.loss, {shape: [], data: [wanted]}, {atol: 1e-6}, 'loss');
  });
  assert.is(minSnrWeight(0.1, 5), 1); // much noise
  assert.is(minSnrWeight(50, 5), 0.1); // little noise
});

test.run();
