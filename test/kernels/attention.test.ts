// B sequences, T queries, S positions of the cache, H heads, D head size, R cache rows
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {attentionReference} from '../../src/kernels/attention/attention.reference.js';
import {type AttentionOptions, attention} from '../../src/kernels/index.js';
import {assertClose} from '../support/assertClose.js';
import {testOnEachBackend} from '../support/backends.js';
import {
  checkGradients,
  evaluate,
  ints,
  type Numbers,
  random,
  randomInts,
  testParity,
  toNumbers,
  toTensor,
} from '../support/parity.js';

const test = suite('attention');

interface Case {
  readonly B: number;
  readonly T: number;
  readonly S: number;
  readonly H: number;
  readonly D: number;
  /** Rows of the cache; default B. */
  readonly R?: number;
  readonly numKeys?: number;
  readonly isCausal?: boolean;
  readonly bias?: 'shared' | 'perSequence';
  /** One number a sequence, or one a query. */
  readonly keyStart?: number[];
  readonly keyEnd?: number[];
  readonly hasCacheRows?: boolean;
}

type Attention = typeof attention;

/** The case's inputs as a list, and a function of that list for any implementation. */
function prepare(c: Case) {
  const {B, T, S, H, D, R = B, numKeys = S, isCausal = false} = c;
  const inputs: Numbers[] = [
    random([B, T, H, D], 1, 2),
    random([R, S, H, D], 2, 2),
    random([R, S, H, D], 3, 2),
  ];
  const names: ('bias' | 'keyStart' | 'keyEnd' | 'cacheRows')[] = [];
  const add = (name: (typeof names)[number], value: Numbers) => {
    names.push(name);
    inputs.push(value);
  };
  if (c.bias) add('bias', random([c.bias === 'shared' ? 1 : B, H, T, numKeys], 4, 2));
  if (c.keyStart) add('keyStart', ints(c.keyStart, c.keyStart.length > B ? [B, T] : [B]));
  if (c.keyEnd) add('keyEnd', ints(c.keyEnd));
  if (c.hasCacheRows) {
    // Positions beyond S lie in later rows.
    const last = R - Math.ceil(numKeys / S) + 1;
    add('cacheRows', randomInts([B, numKeys], 5, 0, last));
  }
  const scale = 1 / Math.sqrt(D);
  const withImplementation =
    (implementation: Attention) =>
    (...tensors: tf.Tensor[]) => {
      const [q, k, v, ...rest] = tensors as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
      const optional = Object.fromEntries(names.map((name, i) => [name, rest[i]]));
      return implementation(q, k, v, {scale, isCausal, numKeys, ...optional});
    };
  return {
    inputs,
    op: withImplementation(attention),
    reference: withImplementation(attentionReference),
  };
}

test('reference: weights 1/(1+e) and e/(1+e) for scores 0 and 1', () => {
  const inputs = [
    {shape: [1, 1, 1, 1], data: Float32Array.of(2)},
    {shape: [1, 2, 1, 1], data: Float32Array.of(0, 1)},
    {shape: [1, 2, 1, 1], data: Float32Array.of(10, 20)},
  ];
  const {value} = evaluate(
    (q, k, v) =>
      attentionReference(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, {scale: 0.5}),
    inputs,
  );
  const expected = (10 + 20 * Math.E) / (1 + Math.E);
  assertClose(value, {shape: [1, 1, 1, 1], data: [expected]}, {atol: 1e-5});
});

test('reference: which keys a query sees', () => {
  // v tells positions apart; equal scores average them. Causal with 2 queries after 2 cached keys.
  const q = tf.zeros([2, 2, 1, 1]) as tf.Tensor4D;
  const v = tf.tensor4d([1, 2, 3, 4, 10, 20, 30, 40], [2, 4, 1, 1]);
  const seen = (options: Partial<AttentionOptions>) =>
    Array.from(attentionReference(q, v, v, {scale: 0, ...options}).dataSync());
  assert.equal(seen({}), [2.5, 2.5, 25, 25]);
  assert.equal(seen({isCausal: true}), [2, 2.5, 20, 25]);
  assert.equal(seen({isCausal: true, numKeys: 3}), [1.5, 2, 15, 20]);
  const bound = (...values: number[]) => tf.tensor1d(values, 'int32');
  assert.equal(seen({keyStart: bound(2, 3)}), [3.5, 3.5, 40, 40]);
  assert.equal(seen({keyEnd: bound(1, 2)}), [1, 1, 15, 15]);
  // The first query of sequence 1 sees positions up to 2 only: none from 3 on.
  assert.equal(seen({isCausal: true, keyStart: bound(0, 3)}), [2, 2.5, 0, 40]);
  const perQuery = tf.tensor2d([1, 2, 0, 3], [2, 2], 'int32');
  assert.equal(seen({isCausal: true, keyStart: perQuery}), [2.5, 3.5, 20, 40]);
  const cacheRows = tf.tensor2d([1, 0, 0, 0, 0, 0, 0, 1], [2, 4], 'int32');
  assert.equal(seen({cacheRows}), [4.75, 4.75, 11.5, 11.5]);
});

test('reference: gradients equal central differences', () => {
  for (const bias of ['shared', 'perSequence'] as const) {
    const {reference, inputs} = prepare({
      ...{B: 2, T: 2, S: 4, H: 2, D: 3, numKeys: 3, isCausal: true, bias},
      ...{keyStart: [0, 2], keyEnd: [3, 3]},
    });
    checkGradients(reference, inputs);
  }
});

/** Of each query in a row of documents that begin at these positions: where its own does. */
const starts = (length: number, begins: readonly number[]) =>
  Array.from({length}, (_, t) => begins.findLast((begin) => begin <= t)!);

const cases: Record<string, Case> = {
  'one key': {B: 1, T: 1, S: 1, H: 1, D: 7},
  'head size 8': {B: 2, T: 8, S: 8, H: 2, D: 8},
  'head size 12': {B: 1, T: 7, S: 15, H: 3, D: 12},
  'head size 20': {B: 2, T: 5, S: 33, H: 2, D: 20},
  'head size 17': {B: 1, T: 16, S: 17, H: 2, D: 17},
  'the vision tower': {B: 1, T: 257, S: 257, H: 2, D: 88},
  'causal, several blocks': {B: 1, T: 250, S: 250, H: 2, D: 16, isCausal: true},
  'causal, more keys than queries': {B: 2, T: 70, S: 133, H: 2, D: 16, isCausal: true},
  'causal with a cache': {B: 2, T: 6, S: 40, H: 2, D: 20, numKeys: 31, isCausal: true},
  'a cache with more rows': {B: 2, T: 5, S: 9, H: 2, D: 12, R: 4, numKeys: 7},
  'one query': {B: 2, T: 1, S: 70, H: 5, D: 20, numKeys: 69},
  'three queries': {B: 9, T: 3, S: 40, H: 6, D: 12, numKeys: 37, isCausal: true},
  'left padding': {B: 3, T: 9, S: 9, H: 2, D: 16, isCausal: true, keyStart: [0, 4, 8]},
  'left padding, one query': {B: 3, T: 1, S: 20, H: 2, D: 16, keyStart: [0, 4, 19]},
  'right padding': {B: 3, T: 9, S: 70, H: 2, D: 16, keyEnd: [70, 64, 1]},
  'right padding, one query': {B: 3, T: 1, S: 20, H: 2, D: 16, keyEnd: [20, 7, 1]},
  'both paddings': {B: 2, T: 4, S: 90, H: 1, D: 8, keyStart: [3, 70], keyEnd: [80, 71]},
  'queries that see no key': {
    ...{B: 3, T: 5, S: 5, H: 2, D: 8, isCausal: true},
    ...{keyStart: [2, 0, 5], keyEnd: [5, 0, 5]},
  },
  'one query that sees no key': {B: 2, T: 1, S: 5, H: 2, D: 8, keyStart: [5, 1], keyEnd: [5, 1]},
  'documents in a row': {
    ...{B: 2, T: 150, S: 150, H: 2, D: 16, isCausal: true, keyEnd: [150, 131]},
    keyStart: [...starts(150, [0, 1, 70, 71, 140]), ...starts(150, [0, 64, 128, 131])],
  },
  'a first key for each query, in any order': {
    ...{B: 2, T: 9, S: 70, H: 2, D: 12, bias: 'shared', keyEnd: [70, 66]},
    keyStart: [0, 69, 70, 3, 64, 65, 1, 0, 30, ...[66, 65, 64, 63, 2, 1, 0, 40, 70]],
  },
  'a first key for each of three queries': {
    ...{B: 2, T: 3, S: 33, H: 2, D: 12, isCausal: true},
    keyStart: [0, 31, 5, 30, 33, 32],
  },
  'shared bias': {B: 3, T: 70, S: 70, H: 2, D: 16, bias: 'shared', isCausal: true},
  'a bias per sequence': {B: 2, T: 9, S: 65, H: 2, D: 16, bias: 'perSequence'},
  'bias and padding, three queries': {
    ...{B: 2, T: 3, S: 33, H: 2, D: 12, bias: 'shared'},
    ...{keyStart: [1, 30], isCausal: true},
  },
};
// Scores up to 4 · sqrt(D); sums of D and S float32 terms whose order differs.
const tolerance = {atol: 3e-6, rtol: 1e-5};
// k and v collect gradients of up to 250 queries.
const gradientTolerance = {atol: 1e-5, rtol: 1e-4};
for (const [name, parameters] of Object.entries(cases)) {
  testParity(test, `equals the reference: ${name}`, {
    ...prepare(parameters),
    tolerance,
    gradientTolerance,
  });
}

const cached: Record<string, Case> = {
  'one query': {B: 4, T: 1, S: 40, H: 5, D: 20, numKeys: 37, hasCacheRows: true},
  'more beams than rows': {B: 11, T: 1, S: 20, H: 2, D: 12, R: 3, hasCacheRows: true},
  'overlapping rows, one query': {
    B: 3,
    T: 1,
    S: 1,
    H: 2,
    D: 16,
    R: 50,
    numKeys: 37,
    hasCacheRows: true,
  },
  'overlapping rows, several queries': {
    ...{B: 2, T: 7, S: 3, H: 2, D: 12, R: 40, numKeys: 70, hasCacheRows: true, isCausal: true},
  },
  'several queries': {
    ...{B: 2, T: 6, S: 90, H: 2, D: 16, R: 3, numKeys: 80, hasCacheRows: true},
    ...{isCausal: true, keyStart: [3, 0]},
  },
};
for (const [name, parameters] of Object.entries(cached)) {
  testParity(test, `equals the reference with cacheRows: ${name}`, {
    ...prepare(parameters),
    tolerance,
    hasGradient: false,
  });
}

testOnEachBackend(test, 'large scores do not overflow', () => {
  const q = tf.fill([1, 5, 1, 8], 30) as tf.Tensor4D;
  const k = tf.tensor4d([...new Array(8).fill(30), ...new Array(8).fill(-30)], [1, 2, 1, 8]);
  const v = tf.tensor4d([...new Array(8).fill(1), ...new Array(8).fill(2)], [1, 2, 1, 8]);
  assertClose(attention(q, k, v, {scale: 1}), tf.ones([1, 5, 1, 8]), {atol: 1e-6});
});

testOnEachBackend(test, 'positions that are not filled yet are not read', () => {
  const {inputs, op} = prepare({B: 1, T: 4, S: 12, H: 1, D: 8, numKeys: 6, isCausal: true});
  const clean = toNumbers(op(...inputs.map(toTensor)));
  for (const cache of inputs.slice(1)) cache.data.fill(Number.NaN, 6 * 8);
  assertClose(op(...inputs.map(toTensor)), clean, {atol: 0});
});

for (const [T, S] of [
  [1, 1],
  [2, 9],
  [6, 17],
] as const) {
  testOnEachBackend(test, `a NaN query gives NaN: ${T} of ${S} positions`, () => {
    const q = tf.fill([1, T, 1, 8], Number.NaN) as tf.Tensor4D;
    const k = tf.ones([1, S, 1, 8]) as tf.Tensor4D;
    const result = attention(q, k, k, {scale: 1, isCausal: true}).dataSync();
    assert.ok(result.every(Number.isNaN), `got ${result}`);
  });
}

testOnEachBackend(test, 'says what does not fit', () => {
  const q = tf.zeros([2, 3, 2, 4]) as tf.Tensor4D;
  const k = tf.zeros([2, 5, 2, 4]) as tf.Tensor4D;
  const other = tf.zeros([2, 5, 2, 8]) as tf.Tensor4D;
  const scale = 1;
  const throws = (run: () => unknown, message: RegExp) => assert.throws(run, message);
  throws(() => attention(q, other, k, {scale}), /expected k of shape \[R, S, 2, 4\]/);
  throws(() => attention(q, k, other, {scale}), /expected v of shape \[2, 5, 2, 4\]/);
  throws(() => attention(q, k, k, {scale, numKeys: 6}), /expected numKeys of 1 to 5, got 6/);
  const cacheRows = tf.zeros([2, 11], 'int32');
  throws(() => attention(q, k, k, {scale, cacheRows, numKeys: 11}), /numKeys of 1 to 10, got 11/);
  throws(() => attention(q, k, k, {scale, bias: k}), /expected bias of shape \[2, 2, 3, 5\]/);
  throws(() => attention(q, k, k, {scale, keyEnd: tf.zeros([2])}), /keyEnd of dtype int32/);
  const keyStart = tf.zeros([2, 5], 'int32');
  throws(() => attention(q, k, k, {scale, keyStart}), /expected keyStart of shape \[2, 3\]/);
});

test.run();
