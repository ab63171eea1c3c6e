// Weights that are held in the encoding of their file: every op sees the numbers, whatever shape they have got,
// and nothing stays when they are disposed.

import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import tf from '#tfjs';
import {decode, encode} from '../../src/kernels/encoding.js';
import {conv2d, embedding, layerNorm, linear, patchEmbedding} from '../../src/kernels/index.js';
import {
  TENSORFLOW,
  type TensorflowBackend,
} from '../../src/kernels/tensorflow/tensorflowBackend.js';
import {encodingOf, makeWeight} from '../../src/kernels/weight.js';
import {assertClose} from '../support/assertClose.js';
import {testOnEachBackend} from '../support/backends.js';
import {random} from '../support/parity.js';

const test = suite('encodedWeights');

/** Tensors, in tfjs and in TensorFlow. */
function held(): number[] {
  const {numTensors, numDataBuffers} = tf.memory();
  const counts = [numTensors, numDataBuffers];
  if (tf.getBackend() !== TENSORFLOW) return counts;
  return [...counts, (tf.backend() as TensorflowBackend).binding.getNumOfTensors()];
}

const shape = [6, 4, 2, 2];
const ids = [3, 0, 5];
const calls: Record<string, (weight: tf.Tensor) => tf.Tensor> = {
  'a convolution': (weight) => conv2d(tf.ones([1, 5, 4, 4]) as tf.Tensor4D, weight),
  'its first gradient': (weight) =>
    tf.grad((x) => conv2d(x as tf.Tensor4D, weight))(tf.ones([1, 5, 4, 4])),
  patches: (weight) => patchEmbedding(tf.ones([1, 4, 4, 6]) as tf.Tensor4D, weight, tf.zeros([6])),
  'linear, flattened': (weight) => linear(tf.ones([3, 16]), tf.reshape(weight, [6, 16])),
  'linear of many rows, flattened': (weight) =>
    linear(tf.ones([30, 16]), tf.reshape(weight, [-1, 16])),
  'matMul, flattened': (weight) => tf.matMul(tf.ones([2, 6]), tf.reshape(weight, [6, 16])),
  'matMul of its transpose': (weight) =>
    tf.matMul(tf.reshape(weight, [6, 16]), tf.ones([6, 2]), true),
  'rows of a table': (weight) =>
    embedding(tf.tensor1d(ids, 'int32'), tf.reshape(weight, [6, 16]) as tf.Tensor2D),
  'a stock op of two inputs': (weight) => tf.mul(weight, weight),
  'a stock op of two outputs': (weight) => tf.unstack(tf.reshape(weight, [2, 48]))[1]!,
  'a part': (weight) => tf.slice(weight, [1, 0, 1], [2, 3, 1]),
  'a normalization by it': (weight) =>
    layerNorm(tf.ones([2, 96]), tf.reshape(weight, [96]), tf.zeros([96]), 1e-6),
  'itself, cloned': (weight) => tf.clone(weight),
};

for (const encoding of ['f32', 'f16', 'bf16'] as const) {
  const bytes = encode(random(shape, 3).data as Float32Array, encoding);
  testOnEachBackend(test, `every op sees the numbers of a weight in ${encoding}`, () => {
    const weight = makeWeight(bytes, encoding, shape);
    const numbers = tf.tensor(decode(bytes, encoding), shape);
    weight.dataSync(); // has it reach the device
    numbers.dataSync();
    for (const [name, call] of Object.entries(calls)) {
      const [found, wanted] = [weight, numbers].map((input) => {
        const output = tf.tidy(() => call(input));
        return {shape: output.shape, data: output.dataSync()};
      });
      assertClose(found!, wanted!, {atol: 1e-5}, name);
    }
  });
}

testOnEachBackend(test, 'nothing stays of a weight', () => {
  const bytes = encode(random(shape, 4).data as Float32Array, 'bf16');
  const use = () =>
    tf.tidy(() => {
      const weight = makeWeight(bytes, 'bf16', shape);
      for (const call of Object.values(calls)) call(weight);
      const unused = makeWeight(bytes, 'bf16', shape);
      assert.is(encodingOf(unused), tf.getBackend() === 'cpu' ? 'f32' : 'bf16');
    });
  use();
  const before = held();
  for (let i = 0; i < 3; i++) use();
  assert.equal(held(), before);
});

test.run();
