import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {conv2dReference} from '../../src/kernels/conv2d/conv2d.reference.js';
import {conv2d} from '../../src/kernels/index.js';
import {loadAddon} from '../../src/kernels/native/addon.js';
import {type Encoding, makeWeight} from '../../src/kernels/weight.js';
import {assertClose} from '../support/assertClose.js';
import {testOnEachBackend} from '../support/backends.js';
import {checkGradients, evaluate, random, testParity, toTensor} from '../support/parity.js';

const test = suite('conv2d');

interface Case {
  readonly x: [batch: number, height: number, width: number, channels: number];
  readonly weight: [outChannels: number, kernelHeight: number, kernelWidth: number];
  readonly stride?: number;
  readonly padding?: number;
  readonly paddingEnd?: number;
  readonly bias?: boolean;
}

const cases: Case[] = [
  {x: [2, 8, 8, 3], weight: [5, 3, 3], padding: 1, bias: true},
  {x: [2, 8, 8, 3], weight: [8, 3, 3], padding: 1, stride: 2, bias: true},
  {x: [1, 7, 9, 16], weight: [17, 3, 3], padding: 1},
  {x: [2, 7, 9, 5], weight: [4, 3, 3], padding: 1, stride: 2},
  {x: [3, 5, 6, 7], weight: [9, 1, 1], bias: true},
  {x: [2, 6, 5, 7], weight: [9, 1, 1], stride: 2}, // phases that no tap reaches
  {x: [1, 9, 8, 2], weight: [3, 5, 2], padding: 2, stride: 3},
  {x: [2, 8, 6, 4], weight: [6, 2, 3]}, // no padding, an even kernel
  {x: [1, 3, 3, 2], weight: [3, 3, 3], padding: 3}, // windows outside of the picture
  {x: [1, 8, 8, 3], weight: [2, 4, 4], stride: 4}, // patches
  {x: [1, 10, 10, 1], weight: [1, 2, 2], stride: 4}, // inputs that no output sees
  {x: [2, 8, 6, 5], weight: [7, 3, 3], stride: 2, padding: 0, paddingEnd: 1}, // below and right only
  {x: [1, 7, 9, 4], weight: [5, 3, 2], padding: 2, paddingEnd: 0, bias: true},
  {x: [5, 4, 4, 64], weight: [33, 3, 3], padding: 1, stride: 2},
];

/** Enough tiles and channels for Winograd's way; odd sizes leave tiles half outside. */
const winogradCases: Case[] = [
  {x: [2, 16, 17, 16], weight: [18, 3, 3], padding: 1, bias: true},
  {x: [8, 7, 9, 33], weight: [16, 3, 3], padding: 1},
  {x: [3, 15, 14, 17], weight: [35, 3, 3]},
  {x: [3, 12, 13, 20], weight: [16, 3, 3], padding: 2, paddingEnd: 0, bias: true},
  {x: [70, 6, 6, 64], weight: [64, 3, 3], padding: 1}, // more than one block
];

for (const {x, weight, bias = false, ...options} of [...cases, ...winogradCases]) {
  const [, , , channels] = x;
  const [outChannels, ...kernel] = weight;
  const {padding = 0} = options;
  const attrs = {stride: 1, paddingEnd: padding, ...options, padding};
  const inputs = [random(x, 1), random([outChannels, channels, ...kernel], 2)];
  if (bias) inputs.push(random([outChannels], 3));
  // Sums of up to a few hundred products of numbers below 1, added in another order.
  testParity(test, `x [${x}], weight [${weight}], ${JSON.stringify({...attrs, bias})}`, {
    op: (at, w, b) => conv2d(at as tf.Tensor4D, w!, b, options),
    reference: (at, w, b) => conv2dReference(at as tf.Tensor4D, w!, b, attrs),
    inputs,
    tolerance: {atol: 3e-5, rtol: 1e-5},
    // Of the weight sums run over all places: up to a few thousand.
    gradientTolerance: {atol: x[0] > 2 ? 5e-4 : 1e-4, rtol: 1e-5},
  });
}

// Gathered rows in two blocks: 2 · 64 · 64 windows of 144 numbers.
testParity(test, 'more than one block', {
  op: (x, weight) => conv2d(x as tf.Tensor4D, weight!, undefined, {padding: 1}),
  reference: (x, weight) =>
    conv2dReference(x as tf.Tensor4D, weight!, undefined, {stride: 1, padding: 1, paddingEnd: 1}),
  inputs: [random([2, 64, 64, 16], 1), random([2, 16, 3, 3], 2)],
  tolerance: {atol: 5e-5, rtol: 1e-5},
  gradientTolerance: {atol: 5e-4, rtol: 1e-4}, // sums over 8,192 outputs
});

// One phase of this gradient is a product of all of dy, 3 · 25 · 25 rows of 1024 numbers.
testParity(test, 'more than one block in a phase', {
  op: (x, weight) => conv2d(x as tf.Tensor4D, weight!, undefined, {stride: 2}),
  reference: (x, weight) =>
    conv2dReference(x as tf.Tensor4D, weight!, undefined, {stride: 2, padding: 0, paddingEnd: 0}),
  inputs: [random([3, 50, 50, 2], 1), random([1024, 2, 1, 1], 2)],
  tolerance: {atol: 5e-5, rtol: 1e-5},
  gradientTolerance: {atol: 5e-4, rtol: 1e-4},
});

test('reference: gradients equal central differences', () => {
  const attrs = {stride: 2, padding: 1, paddingEnd: 0};
  checkGradients(
    (x, weight, bias) => conv2dReference(x as tf.Tensor4D, weight!, bias, attrs),
    [random([1, 4, 3, 2], 1), random([2, 2, 3, 3], 2), random([2], 3)],
  );
});

for (const encoding of ['f16', 'bf16'] as Encoding[]) {
  testOnEachBackend(test, `weight in ${encoding}`, () => {
    const shape = [7, 5, 3, 3];
    // 1, -1, 0.5, 1.5 as stored
    const codes =
      encoding === 'f16' ? [0x3c00, 0xbc00, 0x3800, 0x3e00] : [0x3f80, 0xbf80, 0x3f00, 0x3fc0];
    const values = [1, -1, 0.5, 1.5];
    const picks = Array.from({length: 315}, (_, i) => (i * i + (i >> 2)) % 4);
    const bytes = new Uint8Array(Uint16Array.from(picks, (pick) => codes[pick]!).buffer);
    const weight = makeWeight(bytes, encoding, shape);
    const plain = tf.tensor(
      picks.map((pick) => values[pick]!),
      shape,
    );
    const x = toTensor(random([2, 6, 6, 5], 1));
    const options = {stride: 2, padding: 1};
    const dy = toTensor(random([2, 3, 3, 7], 2)) as tf.Tensor4D;
    const of = (w: tf.Tensor) =>
      tf.valueAndGrad((at: tf.Tensor) => conv2d(at as tf.Tensor4D, w, undefined, options));
    const found = of(weight)(x, dy);
    const wanted = of(plain)(x, dy);
    assertClose(found.value, wanted.value, {atol: 1e-5}, 'value');
    assertClose(found.grad, wanted.grad, {atol: 1e-5}, 'gradient');
  });
}

testOnEachBackend(test, 'results do not depend on the number of threads', () => {
  const addon = loadAddon();
  if (tf.getBackend() !== 'native' || !addon) return;
  const inputs = [random([4, 16, 16, 24], 1), random([20, 24, 3, 3], 2)];
  const run = (threads: number) => {
    addon.setThreads(threads);
    const op = (...at: tf.Tensor[]) =>
      conv2d(at[0] as tf.Tensor4D, at[1]!, undefined, {stride: 2, padding: 1});
    return evaluate(op, inputs, random([4, 8, 8, 20], 3));
  };
  const one = run(1);
  assert.equal(run(3), one);
  addon.setThreads(0);
});

testOnEachBackend(test, 'stops when asked to', () => {
  const addon = loadAddon();
  if (tf.getBackend() !== 'native' || !addon) return;
  const before = tf.memory().numTensors;
  addon.cancel(true);
  try {
    assert.throws(
      () => tf.tidy(() => conv2d(tf.ones([2, 8, 8, 4]), tf.ones([4, 4, 3, 3]))),
      (error: Error & {code?: string}) => error.code === 'cancelled',
    );
  } finally {
    addon.cancel(false);
  }
  assert.is(tf.memory().numTensors, before);
});

test('checks shapes and sizes', () => {
  const x: tf.Tensor4D = tf.ones([1, 4, 4, 3]);
  assert.throws(
    () => conv2d(x, tf.ones([2, 4, 3, 3])),
    /conv2d: expected weight of shape \[Cout, 3, kh, kw\], got \[2, 4, 3, 3\]/,
  );
  assert.throws(() => conv2d(x, tf.ones([2, 3, 5, 5])), /conv2d: expected x of a picture of at/);
  assert.throws(
    () => conv2d(x, tf.ones([2, 3, 3, 3]), undefined, {stride: 0}),
    /conv2d: expected options of whole stride/,
  );
});

test.run();
