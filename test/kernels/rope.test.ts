import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {rope} from '../../src/kernels/index.js';
import {ropeReference} from '../../src/kernels/rope/rope.reference.js';
import {assertClose} from '../support/assertClose.js';
import {testOnEachBackend} from '../support/backends.js';
import {
  checkGradients,
  evaluate,
  ints,
  random,
  randomInts,
  testParity,
  toTensor,
} from '../support/parity.js';

const test = suite('rope');

const op = (x: tf.Tensor, positions: tf.Tensor) => rope(x as tf.Tensor4D, positions as tf.Tensor2D);
const reference = (x: tf.Tensor, positions: tf.Tensor) =>
  ropeReference(x as tf.Tensor4D, positions as tf.Tensor2D, 10000);

test('reference: channel i turns with channel i + D/2', () => {
  // D = 4 at position 3: angles 3 and 3 / 100.
  const x = {shape: [1, 1, 1, 4], data: Float32Array.of(1, 2, 3, 4)};
  const {data} = evaluate(reference, [x, ints([3], [1, 1])]).value;
  const expected = [
    Math.cos(3) - 3 * Math.sin(3),
    2 * Math.cos(0.03) - 4 * Math.sin(0.03),
    3 * Math.cos(3) + Math.sin(3),
    4 * Math.cos(0.03) + 2 * Math.sin(0.03),
  ];
  assertClose({shape: [4], data}, {shape: [4], data: expected}, {atol: 1e-6});
});

test('reference: gradients equal central differences', () => {
  checkGradients(reference, [random([1, 2, 2, 4], 1), ints([3, 7], [1, 2])]);
});

for (const [batch, seqLen, numHeads, headDim] of [
  [1, 1, 1, 2],
  [2, 3, 2, 14],
  [1, 5, 3, 16],
  [1, 4, 2, 30],
  [2, 2, 2, 34],
  [1, 2, 40, 128],
  [3, 70, 4, 20],
] as const) {
  const shape = [batch, seqLen, numHeads, headDim];
  testParity(test, `equals the reference, x [${shape}]`, {
    op,
    reference,
    inputs: [random(shape, 2), randomInts([batch, seqLen], 3, 0, 2048)],
    // The same tables; two products and a sum, with or without FMA.
    tolerance: {atol: 3e-7, rtol: 1e-6},
  });
}

testOnEachBackend(test, 'scores depend on the distance of positions only', () => {
  const q = random([1, 1, 1, 64], 4);
  const k = random([1, 1, 1, 64], 5);
  const score = (t: number, s: number) =>
    tf.sum(
      tf.mul(
        op(toTensor(q), toTensor(ints([t], [1, 1]))),
        op(toTensor(k), toTensor(ints([s], [1, 1]))),
      ),
    );
  // Angles up to 2000 are rounded to 6e-5 in float32, as in torch.
  assertClose(score(1907, 1900), score(7, 0), {atol: 2e-3});
});

testOnEachBackend(test, 'refuses negative positions', () => {
  const positions = toTensor(ints([-1], [1, 1]));
  assert.throws(() => op(tf.ones([1, 1, 1, 4]), positions), /expected positions >= 0, got -1/);
});

test.run();
