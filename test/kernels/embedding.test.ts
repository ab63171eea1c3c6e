import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {embeddingReference} from '../../src/kernels/embedding/embedding.reference.js';
import {embedding} from '../../src/kernels/index.js';
import {makeWeight} from '../../src/kernels/weight.js';
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

const test = suite('embedding');

test('reference: rows by id', () => {
  const table = {shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6)};
  const {value} = evaluate(embeddingReference, [ints([2, 0], [1, 2]), table]);
  assertClose(value, {shape: [1, 2, 2], data: [5, 6, 1, 2]}, {atol: 0});
});

test('reference: gradients equal central differences, repeated ids add up', () => {
  checkGradients(embeddingReference, [ints([1, 1, 3], [3]), random([5, 3], 1)]);
});

for (const [idShape, rows, size] of [
  [[3], 5, 7],
  [[2, 3], 5, 8],
  [[2, 2, 2], 9, 15],
  [[40], 7, 17],
  [[1, 100], 1000, 33],
  [[5], 20, 5120],
] as const) {
  testParity(test, `equals the reference, ids [${idShape}], table [${rows}, ${size}]`, {
    op: embedding,
    reference: embeddingReference,
    inputs: [randomInts([...idShape], 2, 0, rows), random([rows, size], 3)],
    tolerance: {atol: 0},
    // Sums of the rows of repeated ids, in the same order.
    gradientTolerance: {atol: 1e-6},
  });
}

// 1.5, -2, 2^-24 (the smallest half) and 65504 (the largest); bf16 holds the upper 16 bits.
const encoded = {
  f16: {
    words: [0x3e00, 0xc000, 0x0001, 0x7bff],
    values: [1.5, -2, 2 ** -24, 65504],
  },
  bf16: {
    words: [0x3fc0, 0xc000, 0x3380, 0x7f7f],
    values: [1.5, -2, 2 ** -24, 3.3895313892515355e38],
  },
} as const;
for (const encoding of ['f16', 'bf16'] as const) {
  for (const size of [4, 19]) {
    testOnEachBackend(test, `reads ${encoding} in place, rows of ${size}`, () => {
      const {words, values} = encoded[encoding];
      const count = 3 * size;
      const bytes = new Uint8Array(
        Uint16Array.from({length: count}, (_, i) => words[i % 4]!).buffer,
      );
      const table = makeWeight(bytes, encoding, [3, size]);
      const rows = embedding(toTensor(ints([2, 1])), table);
      const at = (index: number) => values[index % 4]!;
      const data = Array.from({length: 2 * size}, (_, i) => at((i < size ? 2 * size : 0) + i));
      assertClose(rows, {shape: [2, size], data}, {atol: 0});
      table.dispose();
    });
  }
}

testOnEachBackend(test, 'refuses ids outside the table', () => {
  for (const id of [-1, 3]) {
    assert.throws(
      () => embedding(toTensor(ints([0, id])), tf.ones([3, 2])),
      new RegExp(`embedding: expected ids of values in \\[0, 3\\), got ${id}`),
    );
  }
});

test.run();
