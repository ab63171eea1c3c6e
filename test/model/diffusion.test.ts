// The image decoder's parts whose right answers need no official code.
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {selectBackend} from '../../src/kernels/backend.js';
import {upsampleNearest} from '../../src/model/diffusion/layers.js';
import {NoiseSchedule} from '../../src/model/diffusion/noiseSchedule.js';
import {Unet} from '../../src/model/diffusion/unet.js';
import {Vae} from '../../src/model/diffusion/vae.js';
import {unetTensors, vaeTensors} from '../../src/weights/diffusionTensors.js';
import {assertClose} from '../support/assertClose.js';
import {testOnEachBackend} from '../support/backends.js';
import {ints, random, toTensor} from '../support/parity.js';
import {normal, randomVariables, tinyUnetConfig, tinyVaeConfig} from '../support/tinyDiffusion.js';

const test = suite('diffusion');
selectBackend({backend: 'reference'});

testOnEachBackend(
  test,
  'upsampling: each pixel twice in both directions, gradients added up',
  () => {
    const x = toTensor(ints([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [1, 2, 3, 2]));
    const [value, dx] = tf.tidy(() => {
      const floats = tf.cast(x, 'float32') as tf.Tensor4D;
      const dy = toTensor(random([1, 4, 6, 2], 1)) as tf.Tensor4D;
      const {value, grad} = tf.valueAndGrad(upsampleNearest as (x: tf.Tensor4D) => tf.Tensor4D)(
        floats,
        dy,
      );
      const sums = tf.sum(tf.reshape(dy, [1, 2, 2, 3, 2, 2]), [2, 4]);
      assertClose(grad, sums, {atol: 1e-6}, 'gradient');
      return [value, grad];
    });
    const pixel = (row: number, col: number) =>
      Array.from(value!.dataSync()).slice((row * 6 + col) * 2, (row * 6 + col) * 2 + 2);
    assert.equal(value!.shape, [1, 4, 6, 2]);
    for (let row = 0; row < 4; row++)
      for (let col = 0; col < 6; col++) {
        const first = 2 * (3 * Math.floor(row / 2) + Math.floor(col / 2)) + 1;
        assert.equal(pixel(row, col), [first, first + 1], `${row}, ${col}`);
      }
    assert.equal(dx!.shape, [1, 2, 3, 2]);
  },
);

test('models ask for exactly the tensors of the lists', () => {
  const entries = (list: Iterable<{name: string; shape: readonly number[]}>) =>
    [...list].map(({name, shape}) => `${name} [${shape.join(', ')}]`).sort();
  const asked = (build: (variables: ReturnType<typeof randomVariables>) => unknown) => {
    const variables = randomVariables();
    build(variables);
    const names = entries([...variables.all].map(([name, {shape}]) => ({name, shape})));
    variables.dispose();
    return names;
  };
  // Three resolutions, so that the middle one has neighbours on both sides.
  const unet = {
    ...tinyUnetConfig,
    blockChannels: [4, 8, 12],
    downAttention: [false, true, false],
    upAttention: [true, false, true],
    layersPerBlock: 3,
  };
  const vae = {...tinyVaeConfig, blockChannels: [4, 8, 6], layersPerBlock: 2};
  assert.equal(
    asked((weights) => new Unet(weights, unet)),
    entries(unetTensors(unet).required),
  );
  assert.equal(
    asked((weights) => new Vae(weights, vae)),
    entries(vaeTensors(vae).required),
  );
});

testOnEachBackend(test, 'every weight of the UNet has a gradient; nothing is left behind', () => {
  const variables = randomVariables();
  const unet = new Unet(variables, tinyUnetConfig);
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const latents = normal<tf.Rank.R4>([2, 2, 4, 6], 2);
    const context = normal<tf.Rank.R3>([2, 3, 6], 3);
    const objective = () => {
      const out = unet.forward(latents, [1, 500], context);
      assert.equal(out.shape, [2, 2, 4, 6]);
      return tf.mean(tf.square(out)) as tf.Scalar;
    };
    const {grads} = tf.variableGrads(objective, [...variables.all.values()]);
    for (const [name, variable] of variables.all) {
      const largest = tf.max(tf.abs(grads[variable.name]!)).dataSync()[0]!;
      assert.ok(largest > 1e-9 && Number.isFinite(largest), `${name}: largest gradient ${largest}`);
    }
  });
  assert.is(tf.memory().numTensors, before);
  variables.dispose();
});

test('samples of a batch do not see each other', () => {
  const variables = randomVariables();
  const unet = new Unet(variables, tinyUnetConfig);
  tf.tidy(() => {
    const latents = normal<tf.Rank.R4>([2, 2, 4, 4], 2);
    const context = normal<tf.Rank.R3>([2, 3, 6], 3);
    const both = unet.forward(latents, [7, 900], context);
    const second = <T extends tf.Tensor>(x: T) => tf.slice(x, [1]);
    const alone = unet.forward(second(latents), [900], second(context));
    assertClose(second(both), alone, {atol: 1e-5});
  });
  variables.dispose();
});

test('the UNet checks its inputs', () => {
  const variables = randomVariables();
  const unet = new Unet(variables, tinyUnetConfig);
  tf.tidy(() => {
    const context: tf.Tensor3D = tf.zeros([1, 3, 6]);
    const latents: tf.Tensor4D = tf.zeros([1, 2, 4, 4]);
    assert.throws(
      () => unet.forward(tf.zeros([1, 2, 4, 5]), [1], context),
      /unet: expected latents of \[B, 2, h, w\], sides multiples of 2, got 1,2,4,5/,
    );
    assert.throws(() => unet.forward(latents, [1, 2], context), /expected timesteps of 1 numbers/);
    assert.throws(
      () => unet.forward(latents, [1], tf.zeros([1, 3, 5])),
      /expected context of \[1, N, 6\], got 1,3,5/,
    );
  });
  variables.dispose();
});

test('the autoencoder halves and doubles the picture once a resolution', () => {
  const variables = randomVariables();
  const vae = new Vae(variables, tinyVaeConfig);
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    assert.is(vae.factor, 2);
    const latents = vae.toLatents(normal([1, 3, 8, 6], 2));
    assert.equal(latents.shape, [1, 2, 4, 3]);
    const pictures = vae.toPictures(latents);
    assert.equal(pictures.shape, [1, 8, 6, 3]);
    const values = pictures.dataSync();
    assert.ok(values.every((value) => value >= 0 && value <= 1));
  });
  assert.is(tf.memory().numTensors, before);
  variables.dispose();
});

test('noise schedule: less picture with every timestep, variances that add up to 1', () => {
  const schedule = new NoiseSchedule({numSteps: 1000, betaStart: 0.00085, betaEnd: 0.012});
  const {alphasCumprod} = schedule;
  assert.is(alphasCumprod.length, 1000);
  assert.ok(Math.abs(alphasCumprod[0]! - (1 - 0.00085)) < 1e-7);
  assert.ok(alphasCumprod.every((alpha, t) => t === 0 || alpha < alphasCumprod[t - 1]!));
  tf.tidy(() => {
    const ones: tf.Tensor4D = tf.ones([2, 1, 1, 1]);
    const zeros = tf.zerosLike(ones);
    const signal = schedule.addNoise(ones, zeros, [3, 800]).dataSync();
    const spread = schedule.addNoise(zeros, ones, [3, 800]).dataSync();
    for (const [i, t] of [3, 800].entries()) {
      assert.ok(Math.abs(signal[i]! ** 2 - alphasCumprod[t]!) < 1e-6);
      assert.ok(Math.abs(signal[i]! ** 2 + spread[i]! ** 2 - 1) < 1e-6);
    }
    assert.throws(
      () => schedule.addNoise(ones, ones, [0, 1000]),
      /noiseSchedule: expected timesteps of whole numbers below 1000, got 1000/,
    );
  });
  const ratio = alphasCumprod[10]! / (1 - alphasCumprod[10]!);
  assert.ok(Math.abs(schedule.snr(10) - ratio) < 1e-9 * ratio);
});

test.run();
