// Results do not depend on the number of threads, and a cancelled computation stops.
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {availableBackends, selectBackend} from '../../src/kernels/backend.js';
import * as ops from '../../src/kernels/index.js';
import {loadAddon} from '../../src/kernels/native/addon.js';
import {assertClose} from '../support/assertClose.js';
import {evaluate, type Numbers, random, randomInts} from '../support/parity.js';
import {skip} from '../support/skip.js';

const test = suite('threads');

const rows = random([700, 300], 1);
const heads = random([2, 300, 3, 20], 2);
const cases: Record<string, [(...inputs: tf.Tensor[]) => tf.Tensor, Numbers[]]> = {
  rmsNorm: [(x, weight) => ops.rmsNorm(x!, weight!), [rows, random([300], 3)]],
  layerNorm: [
    (x, weight, bias) => ops.layerNorm(x!, weight!, bias!, 1e-6),
    [rows, random([300], 3), random([300], 4)],
  ],
  gelu: [(x) => ops.gelu(x!), [rows]],
  siluGate: [(gate, up) => ops.siluGate(gate!, up!), [rows, rows]],
  rope: [
    (x, positions) => ops.rope(x as tf.Tensor4D, positions as tf.Tensor2D),
    [heads, randomInts([2, 300], 5, 0, 500)],
  ],
  embedding: [(ids, table) => ops.embedding(ids!, table!), [randomInts([900], 6, 0, 700), rows]],
  softmaxCrossEntropy: [
    (logits, labels) => ops.softmaxCrossEntropy(logits!, labels!),
    [rows, randomInts([700], 7, 0, 300)],
  ],
  'attention, shared bias': [
    (q, k, v, bias) =>
      ops.attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, {scale: 0.2, bias}),
    [heads, heads, random([2, 300, 3, 20], 8), random([1, 3, 300, 300], 9)],
  ],
  'attention, one query': [
    (q, k, v) => ops.attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, {scale: 0.2}),
    [random([2, 1, 3, 20], 10), heads, random([2, 300, 3, 20], 8)],
  ],
};

/** Registers a test that needs the native backend. */
function testNative(name: string, body: () => void): void {
  if (availableBackends().includes('native')) test(name, body);
  else skip(test, name, 'the native addon is not built');
}

for (const [name, [op, inputs]] of Object.entries(cases)) {
  testNative(`${name}: the same with 1, 2 and 5 threads, to the last bit`, () => {
    const results = [1, 2, 5].map((threads) => {
      selectBackend({backend: 'native', threads});
      const {value} = evaluate(op, inputs);
      return evaluate(op, inputs, random(value.shape, 11));
    });
    for (const result of results.slice(1)) {
      assertClose(result.value, results[0]!.value, {atol: 0});
      result.gradients.forEach((gradient, i) => {
        assertClose(gradient, results[0]!.gradients[i]!, {atol: 0}, `gradient ${i}`);
      });
    }
  });
}

testNative('a cancelled op throws, frees its results and computes again afterwards', () => {
  selectBackend({backend: 'native'});
  const addon = loadAddon()!;
  const x = tf.ones([2000, 300]);
  const before = tf.memory().numTensors;
  addon.cancel(true);
  try {
    assert.throws(
      () => ops.gelu(x),
      (error: NodeJS.ErrnoException) => error.code === 'cancelled',
    );
  } finally {
    addon.cancel(false);
  }
  assert.is(tf.memory().numTensors, before);
  const [first] = ops.gelu(x).dataSync();
  assert.ok(Math.abs(first! - 0.8413447) < 1e-6);
});

test.run();
