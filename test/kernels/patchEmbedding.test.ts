import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {patchEmbedding} from '../../src/kernels/index.js';
import {checkGradients, random, testParity} from '../support/parity.js';

const test = suite('patchEmbedding');

// tfjs's own convolution, channels last: independent of how the op cuts patches.
function convolution(pixels: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const image = tf.transpose(pixels, [0, 2, 3, 1]) as tf.Tensor4D;
  const filter = tf.transpose(weight, [2, 3, 1, 0]) as tf.Tensor4D;
  const map = tf.conv2d(image, filter, weight.shape[3]!, 'valid');
  return tf.add(tf.reshape(map, [map.shape[0], -1, map.shape[3]]), bias);
}

const op = (...[pixels, weight, bias]: tf.Tensor[]) =>
  patchEmbedding(pixels as tf.Tensor4D, weight!, bias!);

test('reference: gradients equal central differences', () => {
  checkGradients(op, [random([1, 3, 4, 6], 1), random([2, 3, 2, 2], 2), random([2], 3)]);
});

for (const [batch, height, width, patchSize, size] of [
  [1, 4, 6, 2, 3],
  [2, 28, 42, 14, 9],
  [1, 24, 8, 8, 33],
] as const) {
  const inputs = [
    random([batch, 3, height, width], 1),
    random([size, 3, patchSize, patchSize], 2),
    random([size], 3),
  ];
  testParity(test, `equals a convolution, ${height} x ${width} in patches of ${patchSize}`, {
    op,
    reference: convolution,
    inputs,
    // Sums of up to 588 products in different order.
    tolerance: {atol: 2e-5, rtol: 1e-5},
  });
}

test('refuses a picture that the patches do not fill', () => {
  assert.throws(
    () => op(tf.zeros([1, 3, 5, 4]), tf.zeros([2, 3, 2, 2]), tf.zeros([2])),
    /patches: expected pixels of height and width that 2 divides, got 5 x 4/,
  );
});

test.run();
