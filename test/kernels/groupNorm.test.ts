import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {groupNormReference} from '../../src/kernels/groupNorm/groupNorm.reference.js';
import {groupNorm} from '../../src/kernels/index.js';
import {loadAddon} from '../../src/kernels/native/addon.js';
import {assertClose} from '../support/assertClose.js';
import {testOnEachBackend} from '../support/backends.js';
import {checkGradients, evaluate, type Numbers, random, testParity} from '../support/parity.js';

const test = suite('groupNorm');
const eps = 1e-5;

type Three = [tf.Tensor, tf.Tensor, tf.Tensor];

/** The same numbers, moved by `by`. */
function shifted({shape, data}: Numbers, by: number): Numbers {
  return {shape, data: Float32Array.from(data, (value) => value + by)};
}

// Columns around the vector widths (4, 8, 16 lanes, 4 vectors at a time), groups that end inside of a
// vector, rows beyond one chunk, a picture of one position.
const cases: {shape: number[]; groups: number}[] = [
  {shape: [2, 3, 4, 6], groups: 3},
  {shape: [1, 5, 5, 15], groups: 5},
  {shape: [3, 4, 4, 16], groups: 16},
  {shape: [2, 3, 5, 17], groups: 1},
  {shape: [2, 7, 3, 96], groups: 16},
  {shape: [1, 4, 4, 134], groups: 67},
  {shape: [2, 900, 8], groups: 4},
  {shape: [2, 70, 300], groups: 10},
  {shape: [3, 1, 1, 8], groups: 2},
  {shape: [4, 12], groups: 3},
];

for (const {shape, groups} of cases) {
  const size = shape.at(-1)!;
  const rows = shape.slice(0, -1).reduce((product, length) => product * length, 1);
  const x = shifted(random(shape, 1, 3), 1);
  const weight = shifted(random([size], 2, 0.5), 1);
  const bias = random([size], 3);

  for (const activation of [undefined, 'silu'] as const) {
    const options = {groups, eps, ...(activation ? {activation} : {})};
    const attrs = {groups, eps, activation: activation ?? 'none'} as const;
    testParity(test, `[${shape}] in ${groups} ${activation ?? ''}`, {
      op: (...inputs) => groupNorm(...(inputs as Three), options),
      reference: (...inputs) => groupNormReference(...(inputs as Three), attrs),
      inputs: [x, weight, bias],
      tolerance: {atol: 1e-5, rtol: 1e-5},
      // Those of weight and bias are sums over all rows, taken in another order.
      gradientTolerance: {atol: 1e-5 * Math.sqrt(rows), rtol: 1e-4},
    });
  }
}

test('reference: gradients equal central differences', () => {
  for (const activation of ['none', 'silu'] as const)
    checkGradients(
      (...inputs) => groupNormReference(...(inputs as Three), {groups: 2, eps: 0.1, activation}),
      [random([2, 2, 3, 4], 1), random([4], 2), random([4], 3)],
    );
});

testOnEachBackend(test, 'a variance far below the square of the mean', () => {
  if (tf.getBackend() !== 'native') return; // stock ops lose it
  const values = Float32Array.from({length: 4096}, (_, i) => 1000 + (i % 2));
  const x = tf.tensor3d(values, [1, 2048, 2]);
  const y = groupNorm(x, tf.ones([2]), tf.zeros([2]), {groups: 1, eps: 0});
  const wanted = {shape: x.shape, data: values.map((value) => 2 * (value - 1000.5))};
  assertClose(y, wanted, {atol: 1e-3});
});

testOnEachBackend(test, 'results do not depend on the number of threads', () => {
  const addon = loadAddon();
  if (tf.getBackend() !== 'native' || !addon) return;
  const shape = [2, 2500, 18];
  const inputs = [random(shape, 1), random([18], 2), random([18], 3)];
  const run = (threads: number) => {
    addon.setThreads(threads);
    const op = (...at: tf.Tensor[]) =>
      groupNorm(...(at as Three), {groups: 6, eps, activation: 'silu'});
    return evaluate(op, inputs, random(shape, 4));
  };
  const one = run(1);
  assert.equal(run(3), one);
  addon.setThreads(0);
});

testOnEachBackend(test, 'leaves no tensor behind', () => {
  const x: tf.Tensor4D = tf.ones([1, 2, 2, 4]);
  const [weight, bias] = [tf.ones([4]), tf.zeros([4])];
  const before = tf.memory().numTensors;
  groupNorm(x, weight, bias, {groups: 2, eps}).dispose();
  assert.is(tf.memory().numTensors, before);
});

test('checks shapes', () => {
  const [weight, bias] = [tf.ones([6]), tf.zeros([6])];
  assert.throws(
    () => groupNorm(tf.ones([2, 3, 6]), tf.ones([4]), bias, {groups: 2, eps}),
    /groupNorm: expected weight of shape \[6\], got \[4\]/,
  );
  assert.throws(
    () => groupNorm(tf.ones([2, 3, 6]), weight, bias, {groups: 4, eps}),
    /groupNorm: expected groups of a divisor of 6, got 4/,
  );
  assert.throws(
    () => groupNorm(tf.ones([0, 3, 6]), weight, bias, {groups: 2, eps}),
    /groupNorm: expected x of shape \[B, ..., C\] and at least one number, got shape \[0, 3, 6\]/,
  );
});

test.run();
