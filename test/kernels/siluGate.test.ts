import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {siluGate} from '../../src/kernels/index.js';
import {siluGateReference} from '../../src/kernels/siluGate/siluGate.reference.js';
import {assertClose} from '../support/assertClose.js';
import {testOnEachBackend} from '../support/backends.js';
import {checkGradients, evaluate, random, testParity} from '../support/parity.js';

const test = suite('siluGate');

test('reference: silu(1) · 2 = 2 / (1 + 1/e)', () => {
  const inputs = [
    {shape: [1], data: Float32Array.of(1)},
    {shape: [1], data: Float32Array.of(2)},
  ];
  const expected = {shape: [1], data: [2 / (1 + Math.exp(-1))]};
  assertClose(evaluate(siluGateReference, inputs).value, expected, {atol: 1e-6});
});

test('reference: gradients equal central differences', () => {
  checkGradients(siluGateReference, [random([9], 1, 3), random([9], 2)]);
});

for (const shape of [[1], [7], [8], [15], [16], [17], [33], [3, 5120], [2, 20000]]) {
  testParity(test, `equals the reference, gate [${shape}]`, {
    op: siluGate,
    reference: siluGateReference,
    inputs: [random(shape, 3, 8), random(shape, 4, 2)],
    // A few roundings of float32 on each side; values up to 16.
    tolerance: {atol: 1e-6, rtol: 2e-6},
  });
}

testOnEachBackend(test, 'gates far from 0', () => {
  const gate = tf.tensor1d([-200, -1e30, 200, 0]);
  const values = siluGate(gate, tf.ones([4]));
  assertClose(values, {shape: [4], data: [0, 0, 200, 0]}, {atol: 1e-30});
});

test('refuses arguments of different shapes', () => {
  assert.throws(() => siluGate(tf.ones([4]), tf.ones([5])), /siluGate: expected up of shape/);
});

test.run();
