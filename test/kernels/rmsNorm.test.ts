import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import type tf from '#tfjs';
import {rmsNorm} from '../../src/kernels/index.js';
import {rmsNormReference} from '../../src/kernels/rmsNorm/rmsNorm.reference.js';
import {checkGradients, evaluate, random, testParity, toTensor} from '../support/parity.js';

const test = suite('rmsNorm');
const eps = 1e-6;
const reference = (x: tf.Tensor, weight: tf.Tensor) => rmsNormReference(x, weight, eps);

test('reference: [3, 4] · weight / sqrt((9 + 16) / 2)', () => {
  const inputs = [
    {shape: [1, 2], data: Float32Array.of(3, 4)},
    {shape: [2], data: Float32Array.of(1, 2)},
  ];
  const {data} = evaluate(reference, inputs).value;
  assert.ok(Math.abs(data[0]! - 0.8485281) < 1e-6);
  assert.ok(Math.abs(data[1]! - 2.2627417) < 1e-6);
});

test('reference: gradients equal central differences', () => {
  checkGradients(reference, [random([2, 5], 1), random([5], 2)]);
});

// Sums of up to 5120 squares in float32 differ by their order: a few units in the last place.
for (const shape of [[7], [3, 8], [2, 3, 15], [5, 16], [17], [2, 33], [300, 40], [3, 5120]]) {
  testParity(test, `equals the reference, x [${shape}]`, {
    op: (x, weight) => rmsNorm(x, weight, eps),
    reference,
    inputs: [random(shape, 3, 2), random([shape.at(-1)!], 4)],
    tolerance: {atol: 2e-6, rtol: 2e-6},
    // The weights' gradients add up to 300 rows.
    gradientTolerance: {atol: 2e-5, rtol: 1e-5},
  });
}

test('refuses a weight of another size', () => {
  const x = toTensor(random([2, 8], 1));
  const weight = toTensor(random([7], 1));
  assert.throws(() => rmsNorm(x, weight), /rmsNorm: expected weight of shape \[8\], got \[7\]/);
});

test.run();
