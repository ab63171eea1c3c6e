// A tiny image decoder for tests that need its structure but none of the official numbers.
import tf from '#tfjs';
import {Random} from '../../src/random.js';
import {Variables} from '../../src/train/variables.js';
import type {UnetConfig, VaeConfig} from '../../src/weights/diffusionConfig.js';

export const tinyUnetConfig: UnetConfig = {
  sampleSize: 4,
  inChannels: 2,
  outChannels: 2,
  blockChannels: [8, 12],
  downAttention: [false, true],
  upAttention: [true, false],
  layersPerBlock: 1,
  numHeads: 2,
  contextSize: 6,
  normGroups: 4,
  normEps: 1e-5,
  downsamplePadding: 1,
  flipSinToCos: true,
  freqShift: 0,
};

export const tinyVaeConfig: VaeConfig = {
  sampleSize: 8,
  inChannels: 3,
  outChannels: 3,
  latentChannels: 2,
  blockChannels: [4, 8],
  layersPerBlock: 1,
  normGroups: 2,
  scalingFactor: 0.5,
};

/** Seeded normal numbers. */
export function normal<R extends tf.Rank>(shape: tf.ShapeMap[R], seed: number, scale = 1) {
  const random = new Random(seed);
  const size = (shape as number[]).reduce((product, n) => product * n, 1);
  const values = Float32Array.from({length: size}, () => scale * random.normal());
  return tf.tensor<R>(values, shape, 'float32');
}

/** Random weights, as variables: norms near 1, all else small. */
export function randomVariables(seed = 1): Variables {
  let count = 0;
  return new Variables((name, shape) => {
    const values = normal([...shape] as never, seed + 1000 * ++count, 0.2);
    return /norm\w*\.weight$/.test(name) ? tf.add(values, 1) : values;
  });
}
