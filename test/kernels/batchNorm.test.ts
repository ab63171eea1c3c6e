import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {
  batchNormInferenceReference,
  batchNormMomentsReference,
  batchNormReference,
} from '../../src/kernels/batchNorm/batchNorm.reference.js';
import {
  type Activation,
  batchNorm,
  batchNormInference,
  batchNormMoments,
} from '../../src/kernels/index.js';
import {loadAddon} from '../../src/kernels/native/addon.js';
import {assertClose} from '../support/assertClose.js';
import {testOnEachBackend} from '../support/backends.js';
import {evaluate, type Numbers, random, testParity, toTensor} from '../support/parity.js';

const test = suite('batchNorm');
const eps = 1e-5;

type Three = [tf.Tensor, tf.Tensor, tf.Tensor];
type Five = [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];

/** Numbers in [from, to). */
function between(shape: number[], seed: number, from: number, to: number): Numbers {
  const {data} = random(shape, seed, (to - from) / 2);
  return {shape, data: Float32Array.from(data, (value) => value + (from + to) / 2)};
}

// Columns around the vector widths (4, 8, 16 lanes, 4 vectors at a time); rows beyond one chunk.
const shapes = [
  [2, 1],
  [5, 3],
  [4, 15],
  [2, 3, 16],
  [3, 17],
  [2, 5, 7, 67],
  [3000, 8],
  [70, 300],
];

for (const shape of shapes) {
  const size = shape.at(-1)!;
  const rows = shape.slice(0, -1).reduce((product, length) => product * length, 1);
  const x = between(shape, 1, -3, 5);
  const weight = between([size], 2, 0.5, 1.5);
  const bias = random([size], 3);
  // Gradients of weight, bias and statistics are sums over all rows, taken in another order.
  const tolerance = {atol: 1e-5, rtol: 1e-5};
  const gradientTolerance = {atol: 1e-5 * Math.sqrt(rows), rtol: 1e-4};

  for (const activation of [undefined, 'relu'] as Activation[]) {
    const attrs = {eps, activation: activation ?? 'none'} as const;

    testParity(test, `training [${shape}] ${activation ?? ''}`, {
      op: (...inputs) => batchNorm(...(inputs as Three), eps, activation),
      reference: (...inputs) => batchNormReference(...(inputs as Three), attrs),
      inputs: [x, weight, bias],
      tolerance,
      gradientTolerance,
    });

    testParity(test, `inference [${shape}] ${activation ?? ''}`, {
      op: (...inputs) => batchNormInference(...(inputs as Five), eps, activation),
      reference: (...inputs) => batchNormInferenceReference(...(inputs as Five), attrs),
      inputs: [x, random([size], 4), between([size], 5, 1, 4), weight, bias],
      tolerance,
      gradientTolerance,
    });
  }

  for (const key of ['mean', 'variance'] as const) {
    testParity(test, `${key} [${shape}]`, {
      op: (input) => batchNormMoments(input)[key],
      reference: (input) => batchNormMomentsReference(input)[key],
      inputs: [x],
      tolerance: {atol: 1e-5, rtol: 1e-5},
      hasGradient: false,
    });
  }
}

testOnEachBackend(test, 'a variance far below the square of the mean', () => {
  if (tf.getBackend() !== 'native') return; // stock ops lose it
  const rows = 4096;
  const x = tf.tensor2d(
    Float32Array.from({length: rows}, (_, i) => 1000 + (i % 2)),
    [rows, 1],
  );
  const {mean, variance} = batchNormMoments(x);
  assertClose(mean, tf.tensor1d([1000.5]), {atol: 1e-3}, 'mean');
  assertClose(variance, tf.tensor1d([0.25]), {atol: 1e-4}, 'variance');
});

testOnEachBackend(test, 'results do not depend on the number of threads', () => {
  const addon = loadAddon();
  if (tf.getBackend() !== 'native' || !addon) return;
  const shape = [5000, 19];
  const inputs = [random(shape, 1), random([19], 2), random([19], 3)];
  const run = (threads: number) => {
    addon.setThreads(threads);
    const op = (...at: tf.Tensor[]) => batchNorm(...(at as Three), eps, 'relu');
    return evaluate(op, inputs, random(shape, 4));
  };
  const one = run(1);
  assert.equal(run(3), one);
  addon.setThreads(0);
});

testOnEachBackend(test, 'moments are constants for the gradient', () => {
  const [x, dy] = [toTensor(random([6, 5], 1)), toTensor(random([6, 5], 2))];
  const shifted = (at: tf.Tensor) => tf.add(tf.mul(at, 2), batchNormMoments(at).mean);
  const [dx] = tf.grads(shifted)([x], dy);
  assertClose(dx!, tf.mul(dy, 2), {atol: 1e-6}, 'dx');
});

test('checks shapes', () => {
  assert.throws(
    () => batchNorm(tf.ones([2, 3]), tf.ones([4]), tf.ones([3])),
    /batchNorm: expected weight of shape \[3\], got \[4\]/,
  );
  assert.throws(() => batchNormMoments(tf.ones([0, 3])), /batchNormMoments: expected x of/);
});

test.run();
