import tf from '#tfjs';
import {suite} from 'uvu';
import '../../src/kernels/index.js';
import {random, testParity} from '../support/parity.js';

const test = suite('tile');

/** Repetitions one after the other, whose gradient is concat's. */
function repeat(x: tf.Tensor, reps: readonly number[]): tf.Tensor {
  return reps.reduce<tf.Tensor>(
    (whole, times, axis) =>
      times === 1 ? whole : tf.concat(new Array<tf.Tensor>(times).fill(whole), axis),
    tf.clone(x),
  );
}

for (const [shape, reps] of [
  [
    [1, 1, 17],
    [5, 1, 1],
  ],
  [
    [2, 3],
    [1, 1],
  ],
  [
    [2, 3],
    [3, 2],
  ],
  [
    [2, 1, 4],
    [2, 3, 2],
  ],
] as [number[], number[]][])
  testParity(test, `[${shape}] x [${reps}]`, {
    op: (x) => tf.tile(x, reps),
    reference: (x) => repeat(x, reps),
    inputs: [random(shape, 1)],
    tolerance: {atol: 1e-6},
  });

test.run();
