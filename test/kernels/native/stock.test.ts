// tfjs's own kernels as the native backend computes them, against tfjs's CPU backend.

import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import tf from '#tfjs';
import {variants, withVariant} from '../../support/backends.js';
import {ints, type Numbers, random, testParity, toNumbers, toTensor} from '../../support/parity.js';

const test = suite('native/stock');

type Op = (...inputs: tf.Tensor[]) => tf.Tensor;

function parity(name: string, op: Op, inputs: Numbers[], atol: number, hasGradient = true): void {
  // rtol: what differs is the order of sums and the last bit of exp
  testParity(test, name, {op, reference: op, inputs, tolerance: {atol, rtol: 1e-5}, hasGradient});
}

const positive = (shape: number[], seed: number): Numbers => {
  const {data} = random(shape, seed);
  return {shape, data: data.map((value) => Math.abs(value) + 0.25)};
};

const unaryOps: Record<string, Op> = {
  neg: tf.neg,
  abs: tf.abs,
  square: tf.square,
  exp: tf.exp,
  relu: tf.relu,
  sigmoid: tf.sigmoid,
  tanh: tf.tanh,
  step: (x) => tf.step(x, 0.5),
};
for (const [name, op] of Object.entries(unaryOps)) {
  for (const shape of [[17], [3, 5, 7]]) parity(`${name} [${shape}]`, op, [random(shape, 1)], 1e-6);
}
for (const [name, op] of Object.entries({
  sqrt: tf.sqrt as Op,
  rsqrt: tf.rsqrt as Op,
  log: tf.log as Op,
  reciprocal: tf.reciprocal as Op,
})) {
  parity(name, op, [positive([4, 33], 2)], 1e-5);
}

const binaryOps: Record<string, Op> = {
  add: tf.add as Op,
  sub: tf.sub as Op,
  mul: tf.mul as Op,
  div: tf.div as Op,
  maximum: tf.maximum as Op,
  minimum: tf.minimum as Op,
  squaredDifference: tf.squaredDifference as Op,
};
const pairs: [number[], number[]][] = [
  [[], []],
  [[1], [15]],
  [[3, 16], []],
  [[2, 17], [17]],
  [
    [2, 1, 5],
    [3, 1],
  ],
  [
    [4, 1],
    [1, 9],
  ],
  [
    [2, 3, 4, 5],
    [3, 1, 5],
  ],
  [
    [2, 2, 3, 2, 3],
    [2, 1, 3, 1, 1],
  ],
];
for (const [name, op] of Object.entries(binaryOps)) {
  for (const [a, b] of pairs) {
    // tfjs's gradients of the others do not broadcast.
    const broadcasts = ['add', 'sub', 'mul', 'div'].includes(name);
    const hasGradient = broadcasts || a.join() === b.join();
    parity(`${name} [${a}] [${b}]`, op, [random(a, 3), positive(b, 4)], 1e-5, hasGradient);
  }
}
parity('add beyond one piece', tf.add as Op, [random([40000], 5), random([40000], 6)], 0);
parity('row added to many', tf.add as Op, [random([900, 40], 5), random([40], 6)], 1e-4);
parity('addN', (...x) => tf.addN(x), [random([19], 1), random([19], 2), random([19], 3)], 1e-6);

const axes: [number[], number[]][] = [
  [[17], [0]],
  [[3, 17], [1]],
  [[3, 17], [0]],
  [[5, 33, 9], [1]],
  [
    [2, 3, 4, 5],
    [0, 2],
  ],
  [
    [2, 3, 4, 5],
    [1, 2],
  ],
  [
    [2, 3, 2, 3, 2],
    [0, 2, 4],
  ],
  [[300, 70], [0]],
  [[2, 70000], [1]],
];
for (const [shape, axis] of axes) {
  const where = `[${shape}] along ${axis}`;
  parity(`sum ${where}`, (x) => tf.sum(x, axis), [random(shape, 7)], 2e-3);
  parity(`mean ${where}`, (x) => tf.mean(x, axis, true), [random(shape, 8)], 1e-5);
  parity(`max ${where}`, (x) => tf.max(x, axis), [random(shape, 9)], 0);
}
parity('sum of all', (x) => tf.sum(x), [random([100000], 7)], 5e-3);
for (const [shape, axis] of [
  [[17], 0],
  [[4, 9], 1],
  [[4, 9], 0],
  [[2, 5, 3], 1],
] as [number[], number][]) {
  const op: Op = (x) => tf.argMax(x, axis);
  parity(`argMax [${shape}] along ${axis}`, op, [random(shape, 10)], 0, false);
}
for (const shape of [[1], [15], [3, 16], [2, 3, 1000]]) {
  parity(`softmax [${shape}]`, (x) => tf.softmax(x), [random(shape, 11, 20)], 1e-6);
  parity(`logSoftmax [${shape}]`, (x) => tf.logSoftmax(x), [random(shape, 12, 20)], 2e-5);
}

for (const perm of [
  [1, 0, 2, 3],
  [3, 2, 1, 0],
  [0, 2, 1, 3],
  [0, 3, 1, 2],
  [2, 3, 0, 1],
]) {
  const op: Op = (x) => tf.transpose(x, perm);
  parity(`transpose by ${perm}`, op, [random([2, 19, 3, 33], 13)], 0);
}
parity('transpose of a matrix', (x) => tf.transpose(x), [random([130, 70], 14)], 0);
parity('slice', (x) => tf.slice(x, [1, 0, 2], [2, 5, 3]), [random([4, 5, 6], 15)], 0);
parity('slice of rows', (x) => tf.slice(x, [2], [3]), [random([6, 7], 16)], 0);
parity('empty slice', (x) => tf.slice(x, [2, 0], [0, 7]), [random([6, 7], 16)], 0, false);
const three = [random([2, 3, 4], 17), random([2, 1, 4], 18), random([2, 5, 4], 19)];
parity('concat', (...parts) => tf.concat(parts, 1), three, 0);
parity(
  'concat of columns',
  (...parts) => tf.concat(parts, 1),
  [random([9, 1], 1), random([9, 2], 2)],
  0,
);
parity(
  'concat with an empty part',
  (...parts) => tf.concat(parts),
  [random([0, 3], 1), random([2, 3], 2)],
  0,
  false,
);
for (const axis of [0, 1, 2, -1]) {
  const op: Op = (...parts) => tf.stack(parts, axis);
  parity(`stack along ${axis}`, op, [random([2, 3], 20), random([2, 3], 21)], 0);
  parity(`unstack along ${axis}`, (x) => tf.unstack(x, axis)[1]!, [random([2, 3, 4], 22)], 0);
}
parity('split', (x) => tf.split(x, [1, 3], 1)[1]!, [random([2, 4, 3], 23)], 0);
parity('tile', (x) => tf.tile(x, [2, 1, 3]), [random([2, 3, 4], 24)], 1e-6);
parity('tile of a row', (x) => tf.tile(x, [5]), [random([17], 24)], 1e-6);
parity('broadcastTo', (x) => tf.broadcastTo(x, [4, 3, 5]), [random([3, 1], 25)], 1e-5);
parity(
  'pad',
  (x) =>
    tf.pad(
      x,
      [
        [1, 2],
        [0, 3],
      ],
      0.5,
    ),
  [random([3, 4], 26)],
  0,
);
const picks = ints([2, 0, 2, 1, 4], [5]);
parity(
  'gather of rows',
  (x, i) => tf.gather(x, i as tf.Tensor1D),
  [random([5, 17], 27), picks],
  1e-6,
);
parity(
  'gather along an axis',
  (x, i) => tf.gather(x, i as tf.Tensor1D, 1),
  [random([2, 5, 3], 28), picks],
  1e-6,
);
const segments = ints([1, 0, 3, 1, -1], [5]);
const segmentSum: Op = (x, ids) => tf.unsortedSegmentSum(x!, ids as tf.Tensor1D, 4);
parity('segment sum', segmentSum, [random([5, 70], 29), segments], 1e-6, false);
parity(
  'casts',
  (x) => tf.cast(tf.cast(tf.mul(x, 5), 'int32'), 'float32'),
  [random([33], 30)],
  0,
  false,
);
parity(
  'cast to bool',
  (x) => tf.cast(tf.cast(tf.relu(x), 'bool'), 'float32'),
  [random([33], 31)],
  0,
  false,
);
parity('integers', (x) => tf.add(x, tf.scalar(3, 'int32')), [ints([1, -2, 5])], 0, false);
parity(
  'integers in a float sum',
  (x) => tf.mul(tf.cast(x, 'float32'), 0.5),
  [ints([1, -2, 5])],
  0,
  false,
);
parity(
  'zeros, ones, fill',
  (x) => tf.add(tf.onesLike(x), tf.add(tf.zerosLike(x), tf.fill([2, 3], 4))),
  [random([2, 3], 1)],
  0,
  false,
);

for (const variant of variants()) {
  test(`empty tensors (${variant.name})`, () => {
    withVariant(variant, () => {
      const empty = tf.zeros([0, 3]);
      assert.equal(tf.add(empty, tf.ones([3])).shape, [0, 3]);
      assert.equal(tf.exp(empty).shape, [0, 3]);
      assert.equal(Array.from(tf.sum(empty, 0).dataSync()), [0, 0, 0]);
      assert.equal(tf.transpose(empty).shape, [3, 0]);
      assert.equal(tf.softmax(empty).shape, [0, 3]);
      assert.equal(tf.tile(empty, [2, 2]).shape, [0, 6]);
      assert.equal(tf.gather(tf.ones([2, 3]), tf.tensor1d([], 'int32')).shape, [0, 3]);
    });
  });

  test(`NaN and infinities come through (${variant.name})`, () => {
    withVariant(variant, () => {
      const x = tf.tensor1d([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1]);
      const exp = Array.from(tf.exp(x).dataSync());
      assert.ok(Number.isNaN(exp[0]));
      assert.equal(exp.slice(1, 3), [Number.POSITIVE_INFINITY, 0]);
      assert.ok(Number.isNaN(tf.relu(x).dataSync()[0]));
      assert.ok(Number.isNaN(tf.max(x).dataSync()[0]));
      assert.ok(Number.isNaN(tf.maximum(x, 0).dataSync()[0]));
      const masked = tf.tensor1d([Number.NEGATIVE_INFINITY, 0, 0]);
      assert.equal(Array.from(tf.softmax(masked).dataSync()), [0, 0.5, 0.5]);
    });
  });

  test(`gather refuses an index outside (${variant.name})`, () => {
    withVariant(variant, () => {
      const pick = () => tf.gather(tf.ones([2, 3]), tf.tensor1d([0, 2], 'int32'));
      assert.throws(pick, /2/);
    });
  });

  test(`exp over its whole range (${variant.name})`, () => {
    withVariant(variant, () => {
      const data = Float32Array.from({length: 20001}, (_, i) => -104 + i * 0.0096);
      const {data: found} = toNumbers(tf.exp(toTensor({shape: [data.length], data})));
      for (const [i, x] of data.entries()) {
        const exact = Math.exp(x);
        // 2 units in the last place; below 2^-126 the spacing is 2^-149, and TensorFlow gives 0
        const smallest = variant.backend === 'tensorflow' ? 2 ** -126 : 2 ** -149;
        const allowed = Math.max(exact * 2.4e-7, smallest);
        const error = Math.abs(found[i]! - exact);
        if (exact < 3.4e38 && error > allowed) assert.unreachable(`exp(${x}) = ${found[i]}`);
      }
    });
  });
}

test.run();
