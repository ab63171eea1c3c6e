// Dense layers against numpy's matrix product (float32 weights), run by run in turns, and the speed of
// the encodings; where it is reading the weight that takes the time, how fast that is. Ratio: numpy's seconds over ours, so above 1 emu is faster. With one thread processor
// time is compared, which other programs disturb less.
// Run: npm run bench linear [threads] [runs]; EMU_PYTHON names a Python with numpy and threadpoolctl.
import {setTimeout} from 'node:timers/promises';
import tf from '#tfjs';
import {selectBackend} from '../src/kernels/backend.js';
import {encode} from '../src/kernels/encoding.js';
import {linear} from '../src/kernels/index.js';
import {type Encoding, makeWeight} from '../src/kernels/weight.js';
import {NumpyPeer} from './numpyPeer.js';
import {column, uniform} from './timing.js';

const info = selectBackend({backend: 'native', threads: Number(process.argv[2] ?? 0)});
const runs = Number(process.argv[3] ?? 15);
const PAUSE_MS = 300;
const clock = info.threads === 1 ? 'processor' : 'wall';

/** [rows, size, inputSize] */
const sizes: [string, number, number, number][] = [
  ['square', 1024, 1024, 1024],
  ['vision tower, projection', 257, 1408, 1408],
  ['vision tower, MLP', 257, 6144, 1408],
  ['C-Former, projection', 32, 768, 768],
  ['LLaMA-13B, prompt of 100', 100, 5120, 5120],
  ['LLaMA-13B, 5 beams', 5, 5120, 5120],
  ['LLaMA-13B, one token', 1, 5120, 5120],
  ['LLaMA-13B, MLP, one token', 1, 13824, 5120],
  ['LLaMA-7B, one token', 1, 4096, 4096],
];
const encodings: Encoding[] = ['f32', 'f16', 'bf16', 'q8_0', 'q4_0', 'q4_1'];

function secondsOf(run: () => tf.Tensor): number {
  const now = () => {
    if (clock === 'wall') return performance.now() / 1000;
    const {user, system} = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const start = now();
  const result = run();
  const seconds = now() - start;
  result.dispose();
  return seconds;
}

const peer = new NumpyPeer(info.threads);
const description = await peer.describe();
console.log(
  `emu: ${info.name}, ${info.isa}, ${info.threads} threads; ${clock} time, best of ${runs}`,
);
console.log(description ?? 'no numpy: set EMU_PYTHON to a Python that has numpy and threadpoolctl');
const heads = [...encodings, 'numpy'].map((name) => name.padStart(8)).join('');
console.log(`${'GFLOP/s'.padEnd(26)}  ${heads}    ratio`);
for (const [name, rows, size, inputSize] of sizes) {
  const x = uniform(rows, inputSize);
  const values = uniform(size, inputSize);
  const stored = encodings.map((encoding) => encode(values.dataSync() as Float32Array, encoding));
  const weights = stored.map((bytes, i) => makeWeight(bytes, encodings[i]!, [size, inputSize]));
  const best = new Array<number>(encodings.length + 1).fill(Number.POSITIVE_INFINITY);
  const keep = (index: number, seconds: number) => {
    best[index] = Math.min(best[index]!, seconds);
  };
  for (let run = 0; run < runs; run++) {
    // OpenBLAS's threads spin on after a product and would take the cores from the next (measured here:
    // f32 126 GFLOP/s without a pause, 146 after 30 ms, 155 after 100, 180 after 300; numpy 186 to 195).
    if (description) await setTimeout(PAUSE_MS);
    for (const [i, weight] of weights.entries())
      keep(
        i,
        secondsOf(() => linear(x, weight)),
      );
    if (description) keep(encodings.length, await peer.multiply(rows, size, inputSize, clock));
  }
  const speeds = best.map((seconds) => (2 * rows * size * inputSize) / seconds / 1e9);
  const ratio = best.at(-1)! / best[0]!;
  const cells = [...speeds.map((speed) => column(speed, 1, 8)), column(ratio, 2)];
  console.log(`${name.padEnd(26)}  ${cells.join('')}`);
  if (rows === 1) {
    const micros = encodings.map((_, i) => column(best[i]! * 1e6, 0, 8));
    console.log(`${'  µs'.padEnd(26)}  ${micros.join('')}`);
    const bandwidths = stored.map((bytes, i) => column(bytes.length / best[i]! / 1e9, 1, 8));
    console.log(`${'  GB/s'.padEnd(26)}  ${bandwidths.join('')}`);
  }
  tf.dispose([x, values, ...weights]);
}
peer.close();
