import tf from '#tfjs';
import {suite} from 'uvu';
import {layerNorm} from '../../src/kernels/index.js';
import {layerNormReference} from '../../src/kernels/layerNorm/layerNorm.reference.js';
import {assertClose} from '../support/assertClose.js';
import {testOnEachBackend} from '../support/backends.js';
import {checkGradients, evaluate, random, testParity, toTensor} from '../support/parity.js';

const test = suite('layerNorm');
const eps = 1e-6;
const reference = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) =>
  layerNormReference(x, weight, bias, eps);

test('reference: [1, 2, 3] becomes ±sqrt(3/2) and 0, scaled and shifted', () => {
  const inputs = [
    {shape: [3], data: Float32Array.of(1, 2, 3)},
    {shape: [3], data: Float32Array.of(1, 2, 3)},
    {shape: [3], data: Float32Array.of(10, 20, 30)},
  ];
  const root = Math.sqrt(1.5);
  const expected = {shape: [3], data: [10 - root, 20, 30 + 3 * root]};
  assertClose(evaluate(reference, inputs).value, expected, {atol: 1e-5});
});

test('reference: gradients equal central differences', () => {
  checkGradients(reference, [random([2, 6], 1, 2), random([6], 2), random([6], 3)]);
});

for (const shape of [[7], [3, 8], [2, 3, 15], [5, 16], [17], [2, 33], [300, 40], [3, 5120]]) {
  const size = shape.at(-1)!;
  testParity(test, `equals the reference, x [${shape}]`, {
    op: (x, weight, bias) => layerNorm(x, weight, bias, eps),
    reference,
    inputs: [random(shape, 4, 2), random([size], 5), random([size], 6)],
    // Sums of up to 5120 terms in float32 differ by their order: a few units in the last place.
    tolerance: {atol: 3e-6, rtol: 2e-6},
    // The weights' gradients add up to 300 rows.
    gradientTolerance: {atol: 2e-5, rtol: 1e-5},
  });
}

testOnEachBackend(test, 'a large mean does not spoil the variance', () => {
  // In one pass, E[x²] - E[x]² of these numbers would lose all digits in float32.
  const x = tf.tensor2d([10000, 10001, 10002, 10003], [1, 4]);
  const unit = layerNorm(x, tf.ones([4]), tf.zeros([4]), eps);
  const root = 1 / Math.sqrt(1.25);
  const expected = {shape: [1, 4], data: [-1.5 * root, -0.5 * root, 0.5 * root, 1.5 * root]};
  assertClose(unit, expected, {atol: 1e-5});
});

testOnEachBackend(test, 'a NaN stays in its row', () => {
  const x = toTensor({shape: [2, 3], data: Float32Array.of(1, Number.NaN, 2, 1, 2, 3)});
  const values = layerNorm(x, tf.ones([3]), tf.zeros([3]), eps).dataSync();
  const areNaN = Array.from(values, Number.isNaN);
  assertClose(
    {shape: [6], data: areNaN.map(Number)},
    {shape: [6], data: [1, 1, 1, 0, 0, 0]},
    {atol: 0},
  );
});

test.run();
