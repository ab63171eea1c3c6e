// The backend `tensorflow`, against TensorFlow itself: what one call of an op of ours costs when there is
// hardly anything to compute (a token of a small model), beside ops of TensorFlow's own; and our product in
// bfloat16 beside TensorFlow's op on tensors of that type.
// Run: npm run bench tensorflow [side of the matrices]
import tf from '#tfjs';
import {selectBackend} from '../src/kernels/backend.js';
import {encode} from '../src/kernels/encoding.js';
import {
  attention,
  cacheWrite,
  embedding,
  gelu,
  layerNorm,
  linear,
  rmsNorm,
  rope,
  siluGate,
  softmaxCrossEntropy,
} from '../src/kernels/index.js';
import {patches} from '../src/kernels/patchEmbedding/patchEmbedding.js';
import {RawOps} from '../src/kernels/tensorflow/rawOps.js';
import type {TensorflowBackend} from '../src/kernels/tensorflow/tensorflowBackend.js';
import {makeWeight} from '../src/kernels/weight.js';
import {column, uniform} from './timing.js';

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
  const row = tf.ones([1, size]) as tf.Tensor2D;
  return {
    'add, of TensorFlow': () => tf.add(x, x),
    'softmax, of TensorFlow': () => tf.softmax(x),
    rmsNorm: () => rmsNorm(x, weight, 1e-6),
    layerNorm: () => layerNorm(x, weight, weight, 1e-6),
    linear: () => linear(row, matrix),
    'linear, with a bias': () => linear(row, matrix, weight),
    embedding: () => embedding(ids, matrix),
    rope: () => rope(heads, positions),
    attention: () => attention(heads, cache, cache, {scale: 0.25, isCausal: true}),
    cacheWrite: () => cacheWrite(tf.clone(cache), heads, 5),
    gelu: () => gelu(x),
    siluGate: () => siluGate(x, x),
    softmaxCrossEntropy: () => softmaxCrossEntropy(row, ids),
    patches: () => patches(pixels, 2),
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

/** Milliseconds of two calls, run in turn; the median of the runs. */
function inTurn(calls: readonly [() => void, () => void]): [number, number] {
  const times: [number[], number[]] = [[], []];
  for (let run = 0; run < 12; run++)
    for (const i of [0, 1] as const) {
      const started = performance.now();
      calls[i]();
      if (run > 0) times[i].push(performance.now() - started);
    }
  const [a, b] = times.map((values) => values.sort((x, y) => x - y)[values.length >> 1]!);
  return [a!, b!];
}

/** linear of float32 numbers in bfloat16, and TensorFlow's op on numbers that have been rounded before. */
function measureBf16(side: number): void {
  const {compute, computeReason} = selectBackend({backend: 'tensorflow', compute: 'bf16'});
  if (compute !== 'bf16') {
    console.log(`no products in bfloat16: ${computeReason}`);
    return;
  }
  const {binding} = tf.backend() as TensorflowBackend;
  const x = uniform<tf.Rank.R2>(side, side);
  const values = uniform<tf.Rank.R2>(side, side);
  const bytes = encode(values.dataSync<'float32'>(), 'bf16');
  const weight = makeWeight(bytes, 'bf16', [side, side]) as tf.Tensor2D;
  const ops = new RawOps(tf.backend() as TensorflowBackend);
  const ids = [x, values].map((tensor) => ops.cast(ops.input(tensor), 'bfloat16').id);
  const attributes = [ops.type('T', 'bfloat16'), ops.flag('adj_x', false), ops.flag('adj_y', true)];
  const raw = () => {
    for (const {id} of binding.executeOp('BatchMatMulV2', attributes, ids, 1))
      binding.deleteTensor(id);
  };
  const [ours, theirs] = inTurn([() => tf.tidy(() => void linear(x, weight)), raw]);
  const speed = `${column(ours)} ms, BatchMatMulV2 ${column(theirs)} ms: ${(theirs / ours).toFixed(2)} of its speed`;
  console.log(`linear in bfloat16, ${side} cubed ${speed}`);
}

selectBackend({backend: 'tensorflow'});
let builtIn = Number.POSITIVE_INFINITY;
for (const [op, call] of Object.entries(calls())) {
  const microseconds = measure(call);
  if (builtIn === Number.POSITIVE_INFINITY) builtIn = microseconds; // add is the first
  const ratio = (microseconds / builtIn).toFixed(2);
  console.log(`${op.padEnd(28)} ${column(microseconds)} us a call, ${ratio.padStart(5)} x add`);
}
measureBf16(Number(process.argv[2] ?? 2048));
process.exit(0);
