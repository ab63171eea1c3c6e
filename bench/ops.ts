// The bandwidth-bound ops, native against the reference composition and against the speed at which
// this machine reads memory. Sizes: LLaMA-13B's prompt of 256 tokens, and one token.
// Run: node --import tsx bench/ops.ts [threads]
import tf from '#tfjs';
import {selectBackend} from '../src/kernels/backend.js';
import * as ops from '../src/kernels/index.js';
import {column, time, uniform} from './timing.js';

const threads = Number(process.argv[2] ?? 0);
const options = {isProcessorTime: threads === 1};
const columns = 5120;

interface Case {
  readonly name: string;
  readonly inputs: tf.Tensor[];
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** Inputs to differentiate by. */
  readonly by: number[];
  /** Float32 arrays of the size of the first float input that pass through memory, forward. */
  readonly arrays: number;
}

function cases(tokens: number): Case[] {
  const x = uniform(tokens, columns);
  const weight = uniform(columns);
  const positions = tf.reshape(tf.range(0, tokens, 1, 'int32'), [1, tokens]);
  const labels = tf.randomUniform([tokens], 0, 32000, 'int32');
  return [
    {name: 'rmsNorm', inputs: [x, weight], run: (a, w) => ops.rmsNorm(a!, w!), by: [0], arrays: 2},
    {
      name: 'layerNorm',
      inputs: [x, weight, weight],
      run: (a, w, b) => ops.layerNorm(a!, w!, b!, 1e-6),
      by: [0],
      arrays: 2,
    },
    {
      name: 'rope',
      inputs: [uniform(1, tokens, 40, 128), positions],
      run: (a, p) => ops.rope(a as tf.Tensor4D, p as tf.Tensor2D),
      by: [0],
      arrays: 2,
    },
    {name: 'gelu', inputs: [x], run: (a) => ops.gelu(a!), by: [0], arrays: 2},
    {
      name: 'siluGate',
      inputs: [x, uniform(tokens, columns)],
      run: (gate, up) => ops.siluGate(gate!, up!),
      by: [0, 1],
      arrays: 3,
    },
    {
      name: 'softmaxCrossEntropy',
      inputs: [uniform(tokens, 32000), labels],
      run: (logits, label) => ops.softmaxCrossEntropy(logits!, label!),
      by: [0],
      arrays: 1,
    },
  ];
}

function gradient({inputs, by, run}: Case, dy: tf.Tensor): tf.Tensor[] {
  const ofSome = (...some: tf.Tensor[]) => {
    const rest = [...some];
    return run(...inputs.map((input, i) => (by.includes(i) ? rest.shift()! : input)));
  };
  return tf.grads(ofSome)(
    by.map((i) => inputs[i]!),
    dy,
  );
}

function bench(tokens: number): void {
  selectBackend({backend: 'native', threads});
  console.log(`${tokens} x ${columns}`);
  console.log(
    'op                     native us      GB/s  y and gradients us  reference us   ratio',
  );
  const all = cases(tokens);
  const native = all.map((one) => {
    const dy = one.run(...one.inputs);
    const forward = time(() => one.run(...one.inputs), options);
    const both = time(() => gradient(one, dy), options);
    return {forward, both};
  });
  selectBackend({backend: 'reference'});
  all.forEach((one, i) => {
    const {forward, both} = native[i]!;
    const reference = time(() => one.run(...one.inputs), {...options, seconds: 0.1});
    const gigabytes = (one.arrays * one.inputs[0]!.size * 4) / 1e9;
    console.log(
      one.name.padEnd(20),
      column(forward * 1e6, 1, 11),
      column(gigabytes / forward),
      column(both * 1e6, 1, 19),
      column(reference * 1e6, 1, 13),
      column(reference / forward, 0, 7),
    );
  });
}

const {name, isa, threads: used} = selectBackend({backend: 'native', threads});
if (name !== 'native') throw new Error('bench/ops: the native addon is not built');
console.log(`native, ${isa}, ${used} threads${used === 1 ? ', processor time' : ''}`);
// One row times a matrix of 64 MB reads it once.
const [row, matrix] = [uniform(1, 4096), uniform(4096, 4096)];
const reading = (matrix.size * 4) / 1e9 / time(() => ops.linear(row, matrix), options);
console.log(`reading memory: ${reading.toFixed(1)} GB/s`);
bench(256);
bench(1);
