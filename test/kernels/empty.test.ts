// Tensors without elements give tensors without elements, on every backend, and crash nothing.
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import * as ops from '../../src/kernels/index.js';
import {testOnEachBackend} from '../support/backends.js';

const test = suite('empty tensors');

const zeros = (...shape: number[]) => tf.zeros(shape);
const ints = (...shape: number[]) => tf.zeros(shape, 'int32');
const heads = (...shape: [number, number, number, number]) => tf.zeros(shape) as tf.Tensor4D;

testOnEachBackend(test, 'no rows', () => {
  assert.equal(ops.rmsNorm(zeros(0, 8), zeros(8)).shape, [0, 8]);
  assert.equal(ops.layerNorm(zeros(0, 8), zeros(8), zeros(8), 1e-6).shape, [0, 8]);
  assert.equal(ops.gelu(zeros(0, 8)).shape, [0, 8]);
  assert.equal(ops.siluGate(zeros(0, 8), zeros(0, 8)).shape, [0, 8]);
  assert.equal(ops.embedding(ints(0), zeros(3, 8)).shape, [0, 8]);
});

testOnEachBackend(test, 'rows without elements', () => {
  assert.equal(ops.rmsNorm(zeros(3, 0), zeros(0)).shape, [3, 0]);
  assert.equal(ops.layerNorm(zeros(3, 0), zeros(0), zeros(0), 1e-6).shape, [3, 0]);
  assert.equal(ops.embedding(ints(2), zeros(3, 0)).shape, [2, 0]);
});

testOnEachBackend(test, 'no tokens', () => {
  assert.equal(ops.rope(heads(1, 0, 2, 4), ints(1, 0) as tf.Tensor2D).shape, [1, 0, 2, 4]);
  const cache = heads(1, 5, 2, 4);
  assert.equal(ops.attention(heads(1, 0, 2, 4), cache, cache, {scale: 1}).shape, [1, 0, 2, 4]);
  assert.equal(ops.cacheWrite(cache, heads(1, 0, 2, 4), 5).shape, [1, 5, 2, 4]);
});

test.run();
