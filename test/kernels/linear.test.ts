import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import tf from '#tfjs';
import {decode, encode} from '../../src/kernels/encoding.js';
import {linear} from '../../src/kernels/index.js';
import {linearReference} from '../../src/kernels/linear/linear.reference.js';
import {type Encoding, encodingOf, makeWeight} from '../../src/kernels/weight.js';
import {assertClose} from '../support/assertClose.js';
import {variants, withVariant} from '../support/backends.js';
import {random, testParity} from '../support/parity.js';

const test = suite('linear');

// Sums of K products of numbers below 1 in float32, in another order: errors grow with sqrt(K).
const tolerance = (inputSize: number) => ({atol: 2e-6 * Math.sqrt(inputSize), rtol: 1e-5});

// Rows 1 to 12 take the path of few rows; sizes lie around those of vectors and tiles.
for (const [rows, inputSize, size] of [
  [1, 1, 1],
  [1, 16, 8],
  [1, 300, 33],
  [2, 17, 31],
  [3, 40, 7],
  [4, 15, 16],
  [5, 64, 19],
  [6, 33, 5],
  [7, 8, 9],
  [8, 65, 24],
  [9, 31, 17],
  [12, 20, 20],
  [13, 20, 20],
  [31, 257, 63],
  [100, 520, 130],
] as [number, number, number][]) {
  const inputs = [random([rows, inputSize], 1), random([size, inputSize], 2), random([size], 3)];
  testParity(test, `[${rows}, ${inputSize}] to ${size}`, {
    op: (x, weight, bias) => linear(x!, weight!, bias),
    reference: (x, weight, bias) => linearReference(x!, weight!, bias),
    inputs,
    tolerance: tolerance(Math.max(rows, inputSize, size)),
  });
}

testParity(test, 'several leading dimensions, no bias', {
  op: (x, weight) => linear(x!, weight!),
  reference: (x, weight) => linearReference(x!, weight!),
  inputs: [random([2, 3, 5, 16], 4), random([24, 16], 5)],
  tolerance: tolerance(24),
});

testParity(test, 'second derivatives', {
  op: (x, weight) => tf.grad((z) => tf.square(linear(z, weight!)))(x!),
  reference: (x, weight) => tf.grad((z) => tf.square(linearReference(z, weight!)))(x!),
  inputs: [random([3, 5], 4), random([7, 5], 5)],
  tolerance: {atol: 1e-5},
});

for (const variant of variants()) {
  for (const encoding of ['f32', 'f16', 'bf16'] as Encoding[]) {
    for (const rows of [1, 2, 5, 8, 11, 30]) {
      test(`a weight in ${encoding}, ${rows} rows (${variant.name})`, () => {
        const [inputSize, size] = [75, 37];
        const x = random([rows, inputSize], 6);
        const bytes = encode(random([size, inputSize], 7).data as Float32Array, encoding);
        const decoded = decode(bytes, encoding);
        const dy = random([rows, size], 8);
        const expected = withVariant({name: 'reference', backend: 'reference'}, () => {
          const weight = tf.tensor2d(decoded, [size, inputSize]);
          const input = tf.tensor2d(x.data, [rows, inputSize]);
          const dInput = tf.matMul(tf.tensor2d(dy.data, [rows, size]), weight);
          return [linearReference(input, weight).dataSync(), dInput.dataSync()];
        });
        withVariant(variant, () => {
          const weight = makeWeight(bytes, encoding, [size, inputSize]);
          const input = tf.tensor2d(x.data, [rows, inputSize]);
          const dInput = tf.grad((z) => linear(z, weight))(
            input,
            tf.tensor2d(dy.data, [rows, size]),
          );
          const found = [linear(input, weight).dataSync(), dInput.dataSync()];
          const shapes = [
            [rows, size],
            [rows, inputSize],
          ];
          for (const [i, shape] of shapes.entries()) {
            const pair = [found[i]!, expected[i]!].map((data) => ({shape, data}));
            assertClose(pair[0]!, pair[1]!, tolerance(inputSize));
          }
        });
      });
    }
  }

  // TensorFlow chooses its kernel, and so the order of the sums, by the number of rows.
  if (variant.backend !== 'tensorflow') {
    test(`a row's result does not depend on the rows beside it (${variant.name})`, () => {
      withVariant(variant, () => {
        const weight = tf.tensor2d(random([50, 200], 9).data, [50, 200]);
        const input = tf.tensor2d(random([8, 200], 10).data, [8, 200]);
        const all = linear(input, weight).arraySync() as number[][];
        for (let rows = 1; rows < 8; rows++) {
          const some = linear(tf.slice(input, [0], [rows]), weight).arraySync() as number[][];
          assert.equal(some, all.slice(0, rows));
        }
      });
    });
  }

  test(`a weight reads back decoded (${variant.name})`, () => {
    withVariant(variant, () => {
      const values = Float32Array.from([1, -0.5, 65504, 2 ** -24, 3.140625, 0]);
      const bytes = encode(values, 'f16');
      const weight = makeWeight(bytes, 'f16', [2, 3]);
      assert.equal(weight.dataSync(), values);
      assert.equal(weight.shape, [2, 3]);
      assert.is(encodingOf(weight), variant.backend === 'reference' ? 'f32' : 'f16');
      assert.equal(
        Array.from(tf.add(weight, 1).dataSync()),
        Array.from(values, (v) => Math.fround(v + 1)),
      );
    });
  });

  test(`wrong shapes are refused (${variant.name})`, () => {
    withVariant(variant, () => {
      assert.throws(
        () => linear(tf.ones([2, 3]), tf.ones([4, 5])),
        /linear.*\[N, 3\]|linear.*weight/,
      );
      assert.throws(() => linear(tf.ones([2, 3]), tf.ones([4, 3]), tf.ones([3])), /linear.*bias/);
      assert.throws(() => makeWeight(new Uint8Array(10), 'f16', [2, 3]), /expected 12 bytes/);
    });
  });
}

test.run();
