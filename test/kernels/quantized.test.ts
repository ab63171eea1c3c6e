// Ops on quantized weights, which each backend reads in its own way: the products of the decoded numbers.
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import type {QuantizedEncoding} from '../../src/kernels/blocks.js';
import {decode, encode} from '../../src/kernels/encoding.js';
import {conv2d, embedding, linear} from '../../src/kernels/index.js';
import {loadAddon} from '../../src/kernels/native/addon.js';
import {encodingOf, makeWeight} from '../../src/kernels/weight.js';
import {assertClose} from '../support/assertClose.js';
import {testOnEachBackend} from '../support/backends.js';
import {ints, type Numbers, random, toTensor} from '../support/parity.js';

const test = suite('quantized');
const encodings: QuantizedEncoding[] = ['q8_0', 'q4_0', 'q4_1'];
const isNative = () => tf.getBackend() === 'native';
/** Whether the backend holds a weight in its encoding. */
const isKept = () => tf.getBackend() !== 'cpu';

interface Quantized extends Numbers {
  readonly data: Float32Array;
  readonly encoding: QuantizedEncoding;
  readonly bytes: Uint8Array;
}

/** Random numbers, stored and decoded again; their bytes start at an odd address, as they may in a file. */
function quantized(shape: number[], encoding: QuantizedEncoding, seed: number): Quantized {
  const stored = encode(random(shape, seed).data as Float32Array, encoding);
  const bytes = new Uint8Array(stored.length + 1).subarray(1);
  bytes.set(stored);
  return {shape, encoding, bytes, data: decode(bytes, encoding)};
}

const weightOf = ({bytes, encoding, shape}: Quantized) => makeWeight(bytes, encoding, shape);

const made = new Map<string, Quantized>();
/** The same, made once for all backends. */
function sharedQuantized(shape: number[], encoding: QuantizedEncoding, seed: number): Quantized {
  const key = `${shape} ${encoding} ${seed}`;
  if (!made.has(key)) made.set(key, quantized(shape, encoding, seed));
  return made.get(key)!;
}

/**
 * Checks out [m, n] = a [m, k] times b [k, n], of which b(p, j) gives an element: within 1e-6 of the sum of
 * the products' magnitudes, and so of the number itself where nothing cancels.
 */
function checkProduct(
  out: tf.Tensor,
  a: Numbers,
  b: (p: number, j: number) => number,
  added: (j: number) => number = () => 0,
): void {
  const [m, k] = a.shape as [number, number];
  const n = out.shape.at(-1)!;
  const found = out.dataSync();
  assert.is(found.length, m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = added(j);
      let magnitude = Math.abs(sum);
      for (let p = 0; p < k; p++) {
        const product = a.data[i * k + p]! * b(p, j);
        sum += product;
        magnitude += Math.abs(product);
      }
      const error = Math.abs(found[i * n + j]! - sum);
      // Written so that NaN fails.
      if (!(error <= 2e-6 * magnitude)) {
        assert.unreachable(
          `[${i}, ${j}] of [${m}, ${k}] x [${k}, ${n}]: ${found[i * n + j]}, not ${sum}`,
        );
      }
    }
  }
}

for (const encoding of encodings) {
  testOnEachBackend(test, `linear, 1 to 17 rows, ${encoding}`, () => {
    const weight = sharedQuantized([37, 96], encoding, 1);
    const bias = random([37], 2);
    const tensor = weightOf(weight);
    for (let rows = 1; rows <= 17; rows++) {
      const x = random([rows, 96], rows);
      const out = linear(toTensor(x), tensor, toTensor(bias));
      checkProduct(
        out,
        x,
        (p, j) => weight.data[j * 96 + p]!,
        (j) => bias.data[j]!,
      );
      out.dispose();
    }
  });

  testOnEachBackend(test, `linear, forward and gradient of x, many shapes, ${encoding}`, () => {
    for (const [rows, k, n] of [
      [1, 32, 1],
      [1, 1056, 9],
      [2, 64, 33],
      [3, 32, 8],
      [4, 160, 31],
      [5, 544, 3],
      [12, 64, 17],
      [13, 32, 1],
      [30, 288, 66],
      [70, 544, 40],
      [9, 64, 640],
    ] as const) {
      const weight = sharedQuantized([n, k], encoding, 3);
      const tensor = weightOf(weight);
      const x = random([rows, k], 4);
      const dy = random([rows, n], 5);
      const {value, grad} = tf.valueAndGrad((at: tf.Tensor) => linear(at, tensor))(
        toTensor(x),
        toTensor(dy),
      );
      checkProduct(value, x, (p, j) => weight.data[j * k + p]!);
      checkProduct(grad, dy, (p, j) => weight.data[p * k + j]!);
    }
  });

  testOnEachBackend(test, `matMul, each way of lying, ${encoding}`, () => {
    for (const [m, k, n] of [
      [1, 64, 32],
      [7, 32, 96],
      [20, 96, 64],
    ] as const) {
      for (const transposeB of [false, true]) {
        const weight = sharedQuantized(transposeB ? [n, k] : [k, n], encoding, 6);
        const b = (p: number, j: number) => weight.data[transposeB ? j * k + p : p * n + j]!;
        const a = random([m, k], 7);
        const across = tf.transpose(toTensor(a) as tf.Tensor2D);
        const tensor = weightOf(weight) as tf.Tensor2D;
        checkProduct(tf.matMul(toTensor(a) as tf.Tensor2D, tensor, false, transposeB), a, b);
        checkProduct(tf.matMul(across, tensor, true, transposeB), a, b);
        // As the first of the two, where kernels want floats.
        const x = random([m, n], 8);
        const first = tf.matMul(tensor, toTensor(x) as tf.Tensor2D, transposeB, true);
        checkProduct(tf.transpose(first), x, (p, j) => b(j, p));
      }
    }
  });

  testOnEachBackend(test, `matMul of batches, ${encoding}`, () => {
    const weight = sharedQuantized([3, 5, 64], encoding, 9);
    const plain = tf.tensor(weight.data, [3, 5, 64]);
    for (const shape of [
      [3, 4, 64],
      [2, 1, 4, 64], // broadcast: an item of the weight at a time
    ]) {
      const a = toTensor(random(shape, 10));
      const found = tf.matMul(a, weightOf(weight), false, true);
      assertClose(found, tf.matMul(a, plain, false, true), {atol: 1e-5});
    }
  });

  testOnEachBackend(test, `embedding, ${encoding}`, () => {
    for (const size of [32, 160]) {
      const table = sharedQuantized([9, size], encoding, 11);
      const ids = [8, 0, 3, 3, 7];
      const data = ids.flatMap((id) => [...table.data.subarray(id * size, (id + 1) * size)]);
      const rows = embedding(toTensor(ints(ids)), weightOf(table));
      assertClose(rows, {shape: [5, size], data}, {atol: 0});
    }
  });

  testOnEachBackend(test, `other ops see the decoded numbers, ${encoding}`, () => {
    const weight = sharedQuantized([6, 64], encoding, 12);
    const tensor = weightOf(weight);
    assert.is(encodingOf(tensor), isKept() ? encoding : 'f32');
    assert.equal(tensor.dataSync(), weight.data);
    assertClose(tf.add(tensor, 1), tf.add(tf.tensor(weight.data, [6, 64]), 1), {atol: 0});
    assertClose(
      tf.slice(tensor, [2, 3], [2, 5]),
      tf.slice(tf.tensor(weight.data, [6, 64]), [2, 3], [2, 5]),
      {atol: 0},
    );
    // Rows that cut the blocks.
    const x = random([3, 48], 13);
    const cut = tf.reshape(tensor, [8, 48]);
    checkProduct(linear(toTensor(x), cut), x, (p, j) => weight.data[j * 48 + p]!);
  });

  testOnEachBackend(test, `conv2d of filters of whole blocks, ${encoding}`, () => {
    const weight = sharedQuantized([7, 288], encoding, 14);
    const plain = tf.tensor(weight.data, [7, 32, 3, 3]);
    const filters = tf.reshape(weightOf(weight), [7, 32, 3, 3]);
    const x = toTensor(random([2, 6, 6, 32], 15));
    const dy = toTensor(random([2, 3, 3, 7], 16));
    const run = (w: tf.Tensor) =>
      tf.valueAndGrad(
        (at: tf.Tensor): tf.Tensor =>
          conv2d(at as tf.Tensor4D, w, undefined, {stride: 2, padding: 1}),
      )(x, dy);
    const [found, wanted] = [run(filters), run(plain)];
    assertClose(found.value, wanted.value, {atol: 2e-5}, 'value');
    assertClose(found.grad, wanted.grad, {atol: 2e-5}, 'gradient');
  });

  testOnEachBackend(test, `has no gradient of its own, ${encoding}`, () => {
    if (!isKept()) return; // decoded to float32, which has one
    const weight = weightOf(sharedQuantized([32, 32], encoding, 17));
    const filters = tf.reshape(weight, [1, 32, 4, 8]);
    const x = tf.ones([2, 32]);
    const ops: Record<string, [tf.Tensor, (w: tf.Tensor) => tf.Tensor]> = {
      linear: [weight, (w) => linear(x, w)],
      matMul: [weight, (w) => tf.matMul(x, w)],
      embedding: [weight, (w) => embedding(tf.tensor([1], [1], 'int32'), w)],
      conv2d: [filters, (w) => conv2d(tf.ones<tf.Rank.R4>([1, 4, 8, 32]), w)],
    };
    for (const [name, [at, op]] of Object.entries(ops)) {
      // Its composition has one: of the decoded numbers.
      if (name === 'conv2d' && !tf.getKernel('EmuConv2D', tf.getBackend())) continue;
      assert.throws(
        () => tf.tidy(() => tf.grad(op)(at)),
        (error: Error) =>
          error.message ===
          `${name}: a weight in ${encoding} has no gradient; train a LoRA beside it, or the model in f16, bf16 or f32`,
      );
    }
  });
}

testOnEachBackend(test, 'results depend neither on the threads nor on the rows beside', () => {
  const addon = loadAddon();
  if (!isNative() || !addon) return;
  for (const encoding of encodings) {
    const weight = weightOf(sharedQuantized([700, 128], encoding, 18));
    const x = toTensor(random([30, 128], 19));
    const run = (rows: number) => linear(tf.slice(x, [0, 0], [rows, 128]), weight).dataSync();
    const some = (rows: number) => run(8).slice(0, rows * 700);
    const all = [1, 8, 30].map(run);
    for (let rows = 1; rows < 8; rows++) assert.equal(run(rows), some(rows));
    addon.setThreads(1);
    assert.equal([1, 8, 30].map(run), all);
    addon.setThreads(3);
    assert.equal([1, 8, 30].map(run), all);
    addon.setThreads(0);
  }
});

testOnEachBackend(test, 'infinite and tiny scales', () => {
  // d = 2^-24 and infinity; q = 1 everywhere
  for (const [half, value] of [
    [0x0001, 2 ** -24],
    [0x7c00, Number.POSITIVE_INFINITY],
  ] as const) {
    const bytes = new Uint8Array(34).fill(1);
    bytes.set([half & 255, half >> 8]);
    const weight = makeWeight(bytes, 'q8_0', [1, 32]);
    assert.equal([...linear(tf.ones([1, 32]), weight).dataSync()], [32 * value]);
    assert.equal([...linear(tf.ones([14, 32]), weight).dataSync()], new Array(14).fill(32 * value));
  }
});

testOnEachBackend(test, 'is refused where the bytes or the rows do not fit', () => {
  assert.throws(
    () => makeWeight(new Uint8Array(67), 'q8_0', [2, 32]),
    /^makeWeight: expected 68 bytes for q8_0 \[2,32\], got 67$/,
  );
  assert.throws(() => makeWeight(new Uint8Array(36), 'q4_0', [2, 33]), /keep this tensor in f16/);
});

test.run();
