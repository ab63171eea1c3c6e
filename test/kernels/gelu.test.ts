import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {geluReference} from '../../src/kernels/gelu/gelu.reference.js';
import {gelu} from '../../src/kernels/index.js';
import {assertClose} from '../support/assertClose.js';
import {testOnEachBackend, variants, withVariant} from '../support/backends.js';
import {checkGradients, random, testParity} from '../support/parity.js';

const test = suite('gelu');

// x Φ(x) in float64, by the Taylor series of erf up to |x| = 3 and the continued fraction beyond.
function exactGelu(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  let tail: number; // erfc(z)
  if (z < 2.2) {
    let term = z;
    let sum = z;
    for (let n = 1; n < 80; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
    }
    tail = 1 - (2 / Math.sqrt(Math.PI)) * sum;
  } else {
    let fraction = 0;
    for (let n = 200; n > 0; n--) fraction = n / 2 / (z + fraction);
    tail = Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction);
  }
  return x > 0 ? x * (1 - tail / 2) : (x * tail) / 2;
}

test('the exact values used here are those of tables', () => {
  // Φ(1) = 0.8413447461, Φ(-3) = 0.0013498980, Φ(4) = 0.9999683288
  const actual = {shape: [3], data: [exactGelu(1), exactGelu(-3), exactGelu(4)]};
  const expected = {shape: [3], data: [0.8413447461, -3 * 0.001349898, 4 * 0.9999683288]};
  assertClose(actual, expected, {atol: 1e-9});
});

test('reference: gradients equal central differences', () => {
  checkGradients(geluReference, [random([9], 1, 3)]);
});

for (const shape of [[1], [7], [8], [15], [16], [17], [33], [3, 5120], [2, 20000]]) {
  testParity(test, `equals the reference, x [${shape}]`, {
    op: gelu,
    reference: geluReference,
    inputs: [random(shape, 2, 6)],
    // tfjs's erf is good to 1.5e-7, times |x| / 2 <= 3; the gradient likewise.
    tolerance: {atol: 1e-6, rtol: 1e-6},
  });
}

const grid = Float32Array.from({length: 4001}, (_, i) => (i - 2000) / 150);
const exact = {shape: [grid.length], data: Array.from(grid, exactGelu)};
for (const variant of variants().filter(({backend}) => backend === 'native')) {
  test(`x Φ(x) to float precision, relative, on both sides (${variant.name})`, () => {
    withVariant(variant, () => {
      // Without FMA (scalar) the rounding of x², up to 2^-24 · 169 / 2, shows. atol: subnormals.
      const rtol = variant.isa === 'scalar' ? 6e-6 : 5e-7;
      assertClose(gelu(tf.tensor1d(grid)), exact, {atol: 1e-37, rtol});
    });
  });
}

testOnEachBackend(test, 'far values, zero and NaN', () => {
  const values = gelu(tf.tensor1d([0, 100, 1e30, -1e30]));
  assertClose(values, {shape: [4], data: [0, 100, Math.fround(1e30), 0]}, {atol: 1e-37});
  assert.ok(Number.isNaN(gelu(tf.scalar(Number.NaN)).dataSync()[0]));
});

test.run();
