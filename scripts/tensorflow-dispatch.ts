// `npm run tensorflow:dispatch`: what one call of an op costs on TensorFlow when there is hardly anything to compute: a token of a
// small model. It is the price of a custom op against that of a composition of stock ops.
import tf from '#tfjs';
import {rmsNormReference} from '../src/kernels/rmsNorm/rmsNorm.reference.js';
import {selectBackend} from '../src/kernels/backend.js';
import {
  attention,
  cacheWrite,
  embedding,
  gelu,
  layerNorm,
  linear,
  patchEmbedding,
  rmsNorm,
  rope,
  siluGate,
  softmaxCrossEntropy,
} from '../src/kernels/index.js';

const CALLS = 20; // of one batch, in one tidy
const BATCHES = 50;

const numHeads = 4;
const headDim = 16;
const size = numHeads * headDim;
const capacity = 32;

/** One call of each op, on tensors that it does not change. */
function calls(): Record<string, () => tf.Tensor> {
  const x = tf.ones([1, 1, size]);
  const heads = tf.ones([1, 1, numHeads, headDim]) as tf.Tensor4D;
  const cache = tf.ones([1, capacity, numHeads, headDim]) as tf.Tensor4D;
  const weight = tf.ones([size]) as tf.Tensor1D;
  const matrix = tf.ones([size, size]) as tf.Tensor2D;
  const ids = tf.tensor([1], [1], 'int32');
  const positions = tf.tensor2d([5], [1, 1], 'int32');
  const pixels = tf.ones([1, 3, 4, 4]) as tf.Tensor4D;
  const patchWeight = tf.ones([size, 3, 2, 2]) as tf.Tensor4D;
  const row = tf.ones([1, size]) as tf.Tensor2D;
  return {
    'add (stock)': () => tf.add(x, x),
    'matMul (stock)': () => tf.matMul(row, matrix),
    'rmsNorm (custom op)': () => rmsNorm(x, weight, 1e-6),
    'rmsNorm (composition)': () => rmsNormReference(x, weight, 1e-6),
    layerNorm: () => layerNorm(x, weight, weight, 1e-6),
    linear: () => linear(x, matrix, weight),
    embedding: () => embedding(ids, matrix),
    rope: () => rope(heads, positions),
    attention: () => attention(heads, cache, cache, {scale: 0.25, isCausal: true}),
    cacheWrite: () => cacheWrite(tf.clone(cache), heads, 5),
    gelu: () => gelu(x),
    siluGate: () => siluGate(x, x),
    softmaxCrossEntropy: () => softmaxCrossEntropy(row, ids),
    patchEmbedding: () => patchEmbedding(pixels, patchWeight, weight),
  };
}

/** The best of the batches, for other processes only add to it: microseconds a call. */
function measure(call: () => tf.Tensor): number {
  let best = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < BATCHES; batch++) {
    const started = performance.now();
    tf.tidy(() => {
      for (let i = 0; i < CALLS; i++) call();
    });
    best = Math.min(best, performance.now() - started);
  }
  return (best * 1000) / CALLS;
}

selectBackend({backend: 'tensorflow'});
for (const [op, call] of Object.entries(calls()))
  console.log(`${op.padEnd(26)} ${measure(call).toFixed(1).padStart(7)} us a call`);
process.exit(0);
