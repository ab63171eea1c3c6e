// Predicting the velocity in the place of the noise (arXiv 2202.00512): the same pictures by the same solvers.
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {selectBackend} from '../../src/kernels/backend.js';
import {ImageDecoder} from '../../src/model/diffusion/imageDecoder.js';
import {NoiseSchedule, type Prediction} from '../../src/model/diffusion/noiseSchedule.js';
import {schedulerNames} from '../../src/model/diffusion/schedulers/index.js';
import type {Unet} from '../../src/model/diffusion/unet.js';
import type {Vae} from '../../src/model/diffusion/vae.js';
import {minSnrWeight} from '../../src/train/noisePrediction.js';
import {assertClose} from '../support/assertClose.js';
import {normal} from '../support/tinyDiffusion.js';

const test = suite('velocity');
selectBackend({backend: 'reference'});
const scheduleOf = (prediction: Prediction) =>
  new NoiseSchedule({numSteps: 1000, betaStart: 0.00085, betaEnd: 0.012, prediction});

test('noise and velocity say the same', () => {
  tf.tidy(() => {
    const schedule = scheduleOf('v_prediction');
    const [latents, noise] = [
      normal<tf.Rank.R4>([3, 2, 4, 4], 1),
      normal<tf.Rank.R4>([3, 2, 4, 4], 2),
    ];
    for (const t of [0, 400, 999]) {
      const timesteps = [t, t, t];
      const noisy = schedule.addNoise(latents, noise, timesteps);
      const velocity = schedule.target(latents, noise, timesteps);
      const alpha = schedule.alphaBefore(t);
      assertClose(schedule.noiseIn(noisy, velocity, alpha), noise, {atol: 1e-5}, `noise at ${t}`);
      const picture = tf.sub(
        tf.mul(noisy, Math.sqrt(alpha)),
        tf.mul(velocity, Math.sqrt(1 - alpha)),
      );
      assertClose(picture, latents, {atol: 1e-5}, `picture at ${t}`);
    }
    assert.is(scheduleOf('epsilon').target(latents, noise, [0, 1, 2]), noise);
  });
});

/** ᾱ at a timestep; Euler's lie between the training's, with noise in between. */
const sigma = (t: number) => {
  const alpha = scheduleOf('epsilon').alphaBefore(t);
  return Math.sqrt((1 - alpha) / alpha);
};
const alphaAt = (t: number) => {
  if (Number.isInteger(t)) return scheduleOf('epsilon').alphaBefore(t);
  const [low, high] = [sigma(Math.floor(t)), sigma(Math.ceil(t))];
  return 1 / ((low + (t % 1) * (high - low)) ** 2 + 1);
};

/** A decoder whose UNet finds the noise in a picture that it knows, told as `prediction`. */
function knowing(picture: tf.Tensor4D, prediction: Prediction) {
  const schedule = scheduleOf(prediction);
  const forward = (noisy: tf.Tensor4D, [timestep]: readonly number[]) => {
    const alpha = alphaAt(timestep!);
    const noise = tf.div(tf.sub(noisy, tf.mul(picture, Math.sqrt(alpha))), Math.sqrt(1 - alpha));
    if (prediction === 'epsilon') return noise;
    return tf.sub(tf.mul(noise, Math.sqrt(alpha)), tf.mul(picture, Math.sqrt(1 - alpha)));
  };
  return new ImageDecoder({forward} as unknown as Unet, {} as Vae, schedule);
}

test('every solver draws what it draws from the noise', async () => {
  const picture = normal<tf.Rank.R4>([1, 2, 4, 4], 3);
  const noise = normal<tf.Rank.R4>([1, 2, 4, 4], 4);
  const context = normal<tf.Rank.R3>([1, 3, 5], 5);
  for (const scheduler of schedulerNames) {
    const drawn: tf.Tensor4D[] = [];
    for (const prediction of ['epsilon', 'v_prediction'] as const) {
      const decoder = knowing(picture, prediction);
      const denoising = decoder.denoise(context, noise, {scheduler, steps: 7, guidance: 1});
      let next = await denoising.next();
      while (!next.done) next = await denoising.next();
      drawn.push(next.value);
    }
    assertClose(drawn[1]!, drawn[0]!, {atol: 1e-3}, scheduler);
    tf.dispose(drawn);
  }
  tf.dispose([picture, noise, context]);
});

test('min-SNR weighs the error of the picture alike', () => {
  for (const snr of [0.01, 1, 5, 300]) {
    const capped = Math.min(snr, 5);
    assert.ok(Math.abs(minSnrWeight(snr, 5) * snr - capped) < 1e-12);
    assert.ok(Math.abs(minSnrWeight(snr, 5, 'v_prediction') * (snr + 1) - capped) < 1e-12);
  }
});

test.run();
