// The ops that training adds, on the native backend: convolutions of emu-mini's stem against the matrix
// product that they are made of, batch normalization, group normalization at sizes of Stable
// Diffusion's UNet against its composition of stock ops on the same backend, AdamW.
// Run: node --import tsx bench/trainOps.ts [threads]
import tf from '#tfjs';
import {selectBackend} from '../src/kernels/backend.js';
import {Conv2DInputGrad, Conv2DWeightGrad} from '../src/kernels/conv2d/conv2d.grad.js';
import {groupNormReference} from '../src/kernels/groupNorm/groupNorm.reference.js';
import {
  adamwStep,
  batchNorm,
  batchNormMoments,
  conv2d,
  groupNorm,
  sumOfSquares,
} from '../src/kernels/index.js';
import {loadAddon} from '../src/kernels/native/addon.js';

const convolutions = [
  {x: [64, 64, 64, 3], outChannels: 32, stride: 2},
  {x: [64, 32, 32, 32], outChannels: 64, stride: 2},
  {x: [64, 16, 16, 64], outChannels: 64, stride: 1},
  {x: [64, 16, 16, 64], outChannels: 128, stride: 2},
  {x: [64, 8, 8, 128], outChannels: 128, stride: 1},
  {x: [64, 8, 8, 128], outChannels: 256, stride: 2},
] as {x: [number, number, number, number]; outChannels: number; stride: number}[];

const threads = Number(process.argv[2] ?? 0);

/** Seconds: on one thread those of the processor, which other programs do not disturb. */
function now(): number {
  if (threads !== 1) return performance.now() / 1000;
  const {user, system} = process.cpuUsage();
  return (user + system) / 1e6;
}

/** The shortest of several runs, in seconds. */
function time(run: () => tf.Tensor | tf.Tensor[] | undefined): number {
  let best = Number.POSITIVE_INFINITY;
  const start = now();
  for (let i = 0; i < 5 || (i < 200 && now() - start < 0.4); i++) {
    const begin = now();
    const result = run();
    best = Math.min(best, now() - begin);
    if (result) tf.dispose(result);
  }
  return best;
}

const rate = (flops: number, seconds: number) => flops / seconds / 1e9;
const show = (value: number, digits = 1, width = 8) => value.toFixed(digits).padStart(width);

/** Seconds of the plain product of those sizes; `transposeA`: A is stored [k, m], as a gradient's is. */
function timeGemm(m: number, n: number, k: number, transposeA = false): number {
  const addon = loadAddon()!;
  const a = new Float32Array(m * k).fill(1);
  const b = new Uint8Array(new Float32Array(n * k).fill(1).buffer);
  const c = new Float32Array(m * n);
  return time(() => {
    addon.gemm(a, transposeA, b, 0, !transposeA, null, c, m, n, k, 1, 0, 0, false);
    return undefined;
  });
}

function benchConvolutions(): void {
  const peak = rate(2 * 1024 ** 3, timeGemm(1024, 1024, 1024));
  console.log(`matrix product 1024 x 1024 x 1024: ${peak.toFixed(1)} GFLOP/s`);
  console.log('3x3 convolutions: ms, GFLOP/s, and in % of the plain product of the same sizes');
  console.log(
    'x, outputs, stride'.padEnd(32),
    '        y',
    ' '.repeat(18),
    'dx',
    ' '.repeat(20),
    'dW',
  );
  for (const {x: shape, outChannels, stride} of convolutions) {
    const [batch, height, width, channels] = shape;
    const x: tf.Tensor4D = tf.randomNormal(shape);
    const weight = tf.randomNormal([outChannels, channels, 3, 3]);
    const options = {stride, padding: 1};
    const y = conv2d(x, weight, undefined, options);
    const dy = tf.randomNormal(y.shape);
    const engine = tf.engine();
    const attrs = {...options, paddingEnd: 1};
    const inputAttrs = {...attrs, height, width};
    const weightAttrs = {...attrs, kernelHeight: 3, kernelWidth: 3};
    const rows = batch * y.shape[1] * y.shape[2];
    const flops = 2 * rows * outChannels * channels * 9;
    const passes = [
      [
        time(() => conv2d(x, weight, undefined, options)),
        timeGemm(rows, outChannels, channels * 9),
      ],
      [
        time(() => engine.runKernel(Conv2DInputGrad, {dy, weight}, inputAttrs) as tf.Tensor),
        timeGemm(rows, channels, outChannels * 9),
      ],
      [
        time(() => engine.runKernel(Conv2DWeightGrad, {x, dy}, weightAttrs) as tf.Tensor),
        timeGemm(outChannels, channels * 9, rows, true),
      ],
    ] as const;
    const cells = passes.map(([seconds, plain]) => {
      const percent = show((100 * plain) / seconds, 0, 5);
      return `${show(seconds * 1e3, 2)} ${show(rate(flops, seconds))} ${percent}%`;
    });
    const total = passes.reduce((sum, [seconds]) => sum + seconds, 0);
    const all = show((100 * rate(3 * flops, total)) / peak, 0, 4);
    const name = `[${shape}] -> ${outChannels}, ${stride}`;
    console.log(name.padEnd(28), ...cells, ` all: ${all}% of 1024³`);
    tf.dispose([x, weight, y, dy]);
  }
}

function benchBatchNorm(): void {
  console.log('batch normalization with ReLU: ms, GB/s counting each array once per pass');
  for (const shape of [
    [64, 32, 32, 32],
    [64, 16, 16, 64],
    [64, 8, 8, 128],
  ]) {
    const size = shape.at(-1)!;
    const x = tf.randomNormal(shape);
    const [weight, bias] = [tf.ones([size]), tf.zeros([size])];
    const gigabytes = (x.size * 4) / 1e9;
    const forward = time(() => batchNorm(x, weight, bias, 1e-5, 'relu'));
    const moments = time(() => Object.values(batchNormMoments(x)));
    const grad = tf.valueAndGrads((...at: tf.Tensor[]) =>
      batchNorm(at[0]!, at[1]!, at[2]!, 1e-5, 'relu'),
    );
    const dy = tf.randomNormal(shape);
    const both = time(() => {
      const {value, grads} = grad([x, weight, bias], dy);
      return [value, ...grads];
    });
    console.log(
      `[${shape}]`.padEnd(20),
      `y ${show(forward * 1e3, 2)} ms ${show((3 * gigabytes) / forward)} GB/s`,
      ` moments ${show(moments * 1e3, 2)} ms ${show(gigabytes / moments)} GB/s`,
      ` y and gradients ${show(both * 1e3, 2)} ms ${show((8 * gigabytes) / both)} GB/s`,
    );
    tf.dispose([x, weight, bias, dy]);
  }
}

/** Native against the composition of stock ops, which are native too. */
function benchGroupNorm(): void {
  console.log('group normalization with SiLU, 32 groups: ms, times the composition takes');
  for (const shape of [
    [1, 64, 64, 320],
    [2, 32, 32, 640],
    [4, 8, 8, 1280],
  ]) {
    const size = shape.at(-1)!;
    const inputs = [tf.randomNormal(shape), tf.ones([size]), tf.zeros([size])];
    const dy = tf.randomNormal(shape);
    const attrs = {groups: 32, eps: 1e-5, activation: 'silu'} as const;
    const native = (...[x, weight, bias]: tf.Tensor[]) => groupNorm(x!, weight!, bias!, attrs);
    const composed = (...[x, weight, bias]: tf.Tensor[]) =>
      groupNormReference(x!, weight!, bias!, attrs);
    const forward = [native, composed].map((run) => time(() => run(...inputs)));
    const both = [native, composed].map((run) => {
      const grad = tf.valueAndGrads(run);
      return time(() => {
        const {value, grads} = grad(inputs, dy);
        return [value, ...grads];
      });
    });
    const cells = ([own, stock]: number[]) => `${show(own! * 1e3, 2)} ms ${show(stock! / own!)} x`;
    console.log(`[${shape}]`.padEnd(20), `y ${cells(forward)}  y and gradients ${cells(both)}`);
    tf.dispose([...inputs, dy]);
  }
}

function benchOptimizer(): void {
  const size = 4_000_000;
  const [parameter, m, v] = [1, 2, 3].map(() => tf.variable(tf.zeros([size])));
  const grad = tf.randomNormal([size]);
  const options = {lr: 1e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, step: 10};
  const update = time(() => {
    adamwStep(parameter!, m!, v!, grad, options);
    return undefined;
  });
  const norm = time(() => {
    sumOfSquares([grad]);
    return undefined;
  });
  const gigabytes = (size * 4) / 1e9;
  console.log(
    `AdamW, 4 M parameters: ${show(update * 1e3, 2)} ms ${show((7 * gigabytes) / update)} GB/s`,
  );
  console.log(`squared norm, 4 M:     ${show(norm * 1e3, 2)} ms ${show(gigabytes / norm)} GB/s`);
}

const {name, isa, threads: used} = selectBackend({backend: 'native', threads});
if (name !== 'native') throw new Error('bench/trainOps: the native addon is not built');
console.log(`native, ${isa}, ${used} threads${used === 1 ? ', processor time' : ''}`);
benchConvolutions();
benchBatchNorm();
benchGroupNorm();
benchOptimizer();
