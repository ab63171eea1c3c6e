// Attention at the model's sizes: GFLOP/s next to the plain matrix product, and for one query GB/s
// of keys and values next to the speed of reading memory.
// Run: node --import tsx bench/attention.ts [threads]
import tf from '#tfjs';
import {selectBackend} from '../src/kernels/backend.js';
import {attention, linear} from '../src/kernels/index.js';
import {column, time, uniform} from './timing.js';

const threads = Number(process.argv[2] ?? 0);
const options = {isProcessorTime: threads === 1, seconds: 1};

interface Sizes {
  readonly name: string;
  readonly batch?: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly headDim: number;
  readonly isCausal?: boolean;
  readonly isShared?: boolean;
}

const products: Sizes[] = [
  {name: 'vision tower', queries: 257, keys: 257, heads: 16, headDim: 88},
  {name: 'C-Former, self', queries: 32, keys: 32, heads: 12, headDim: 64, isCausal: true},
  {name: 'C-Former, cross', queries: 32, keys: 257, heads: 12, headDim: 64},
  {name: 'LLaMA-13B, prompt', queries: 512, keys: 512, heads: 40, headDim: 128, isCausal: true},
  {name: 'emu-mini, training', ...{batch: 16, queries: 100, keys: 100, heads: 6}, headDim: 64},
];
const steps: Sizes[] = [
  {name: 'one token', queries: 1, keys: 2048, heads: 40, headDim: 128},
  {
    name: 'one token, 5 beams, shared prefix',
    ...{batch: 5, queries: 1, keys: 2048, heads: 40, headDim: 128},
    isShared: true,
  },
  {name: 'one token, guidance', batch: 2, queries: 1, keys: 300, heads: 40, headDim: 128},
];

/** What the sizes call for: the inputs and a function of them. */
function prepare({batch = 1, queries, keys, heads, headDim, isCausal, isShared}: Sizes) {
  const rows = isShared ? 1 : batch;
  const inputs = [
    uniform<tf.Rank.R4>(batch, queries, heads, headDim),
    uniform<tf.Rank.R4>(rows, keys, heads, headDim),
    uniform<tf.Rank.R4>(rows, keys, heads, headDim),
  ] as const;
  const cacheRows = isShared ? tf.zeros([batch, keys], 'int32') : undefined;
  const scale = 1 / Math.sqrt(headDim);
  const run = (q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D) =>
    attention(q, k, v, {scale, isCausal, cacheRows});
  return {inputs, run};
}

const {name, isa, threads: used} = selectBackend({backend: 'native', threads});
if (name !== 'native') throw new Error('bench/attention: the native addon is not built');
console.log(`native, ${isa}, ${used} threads${used === 1 ? ', processor time' : ''}`);
const [x, weight] = [uniform(257, 1408), uniform(6144, 1408)];
const plain = (2 * 257 * 1408 * 6144) / time(() => linear(x, weight), options) / 1e9;
console.log(`matrix product 257 x 1408 x 6144: ${plain.toFixed(1)} GFLOP/s`);
for (const sizes of products) {
  const {batch = 1, queries, keys, heads, headDim, isCausal} = sizes;
  const {inputs, run} = prepare(sizes);
  const forward = time(() => run(...inputs), options);
  const grads = tf.valueAndGrads(run as (...at: tf.Tensor[]) => tf.Tensor);
  const dy = uniform(batch, queries, heads, headDim);
  const both = time(() => {
    const {value, grads: gradients} = grads([...inputs], dy);
    return [value, ...gradients];
  }, options);
  const flops = 4 * batch * queries * keys * heads * headDim * (isCausal ? 0.5 : 1);
  const rate = flops / forward / 1e9;
  console.log(
    sizes.name.padEnd(34),
    `${column(forward * 1e6)} us ${column(rate)} GFLOP/s`,
    `${column((100 * rate) / plain, 0, 5)}% of the product`,
    `  with gradients ${column(both * 1e6)} us ${column((3.5 * flops) / both / 1e9)} GFLOP/s`,
  );
  tf.dispose([...inputs, dy]);
}

// One row times a matrix of 64 MB reads it once.
const [row, matrix] = [uniform(1, 4096), uniform(4096, 4096)];
const reading = (matrix.size * 4) / 1e9 / time(() => linear(row, matrix), options);
console.log(`reading memory: ${reading.toFixed(1)} GB/s`);
for (const sizes of steps) {
  const {inputs, run} = prepare(sizes);
  const seconds = time(() => run(...inputs), options);
  const rate = (2 * inputs[1].size * 4) / 1e9 / seconds;
  console.log(
    sizes.name.padEnd(34),
    `${column(seconds * 1e6)} us ${column(rate)} GB/s ${column((100 * rate) / reading, 0, 5)}%`,
  );
  tf.dispose([...inputs]);
}
