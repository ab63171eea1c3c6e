import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {cacheWriteReference} from '../../src/kernels/cacheWrite/cacheWrite.reference.js';
import {cacheWrite} from '../../src/kernels/index.js';
import {assertClose} from '../support/assertClose.js';
import {testOnEachBackend} from '../support/backends.js';
import {random, testParity, toNumbers, toTensor} from '../support/parity.js';

const test = suite('cacheWrite');

test('reference: one row, two positions', () => {
  const written = cacheWriteReference(tf.zeros([2, 4, 1, 1]), tf.tensor4d([5, 6], [1, 2, 1, 1]), 1);
  assert.equal(Array.from(written.dataSync()), [0, 5, 6, 0, 0, 0, 0, 0]);
});

for (const [rows, capacity, batch, seqLen, position] of [
  [1, 1, 1, 1, 0],
  [2, 9, 2, 9, 0],
  [4, 9, 2, 3, 5],
  [3, 9, 3, 1, 8],
] as const) {
  const withPosition =
    (write: typeof cacheWrite) =>
    (...[cache, values]: tf.Tensor[]) =>
      write(cache as tf.Tensor4D, values as tf.Tensor4D, position);
  testParity(test, `equals the reference, ${batch} x ${seqLen} at ${position}`, {
    op: withPosition(cacheWrite),
    reference: withPosition(cacheWriteReference),
    inputs: [random([rows, capacity, 2, 5], 1), random([batch, seqLen, 2, 5], 2)],
    tolerance: {atol: 0},
    hasGradient: false,
  });
}

for (const [places, batch, seqLen, position, rowStride] of [
  [12, 3, 1, 5, 2],
  [12, 2, 3, 4, 3],
  [9, 1, 9, 0, 9],
] as const) {
  const atStride =
    (write: typeof cacheWrite) =>
    (...[cache, values]: tf.Tensor[]) =>
      write(cache as tf.Tensor4D, values as tf.Tensor4D, position, rowStride);
  testParity(test, `equals the reference, ${batch} rows ${rowStride} apart`, {
    op: atStride(cacheWrite),
    reference: atStride(cacheWriteReference),
    inputs: [random([places, 1, 2, 5], 1), random([batch, seqLen, 2, 5], 2)],
    tolerance: {atol: 0},
    hasGradient: false,
  });
}

test('reference: rows that are two positions apart', () => {
  const written = cacheWriteReference(
    tf.zeros([6, 1, 1, 1]),
    tf.tensor4d([5, 6], [2, 1, 1, 1]),
    1,
    2,
  );
  assert.equal(Array.from(written.dataSync()), [0, 5, 0, 6, 0, 0]);
});

testOnEachBackend(test, 'consumes the cache and writes step by step', () => {
  const steps = random([1, 4, 1, 3], 3);
  let cache = tf.zeros([1, 4, 1, 3]) as tf.Tensor4D;
  for (let position = 0; position < 4; position++) {
    const before = cache;
    const numTensors = tf.memory().numTensors;
    cache = tf.tidy(() => {
      const step = tf.slice(toTensor(steps), [0, position, 0, 0], [1, 1, 1, 3]) as tf.Tensor4D;
      return cacheWrite(cache, step, position);
    });
    assert.is(before.isDisposed, true);
    assert.is(tf.memory().numTensors, numTensors);
  }
  assertClose(toNumbers(cache), steps, {atol: 0});
});

testOnEachBackend(test, 'refuses what does not fit', () => {
  const cache = tf.zeros([2, 4, 1, 1]) as tf.Tensor4D;
  const values = tf.zeros([1, 2, 1, 1]) as tf.Tensor4D;
  assert.throws(
    () => cacheWrite(cache, values, 3),
    /positions of 0 to 4 \(the capacity\), got 3 to 5/,
  );
  const many = tf.zeros([3, 1, 1, 1]) as tf.Tensor4D;
  assert.throws(() => cacheWrite(cache, many, 0), /values of at most 2 rows, got 3/);
  assert.throws(() => cacheWrite(cache, many, 4, 2), /0 to 4 \(the capacity\), got 4 to 5/);
  const two = tf.zeros([2, 2, 1, 1]) as tf.Tensor4D;
  assert.throws(() => cacheWrite(cache, two, 0, 1), /values of at most 1 positions, got 2/);
});

test.run();
