import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {softmaxCrossEntropy} from '../../src/kernels/index.js';
import {softmaxCrossEntropyReference} from '../../src/kernels/softmaxCrossEntropy/softmaxCrossEntropy.reference.js';
import {assertClose} from '../support/assertClose.js';
import {testOnEachBackend} from '../support/backends.js';
import {
  checkGradients,
  evaluate,
  ints,
  random,
  randomInts,
  testParity,
  toTensor,
} from '../support/parity.js';

const test = suite('softmaxCrossEntropy');
const withIgnore = (ignoreIndex: number) => ({
  op: (logits: tf.Tensor, labels: tf.Tensor) => softmaxCrossEntropy(logits, labels, ignoreIndex),
  reference: (logits: tf.Tensor, labels: tf.Tensor) =>
    softmaxCrossEntropyReference(logits, labels, ignoreIndex),
});
const {op, reference} = withIgnore(-100);

test('reference: log 4 for equal logits, 0 where ignored', () => {
  const logits = {shape: [2, 4], data: new Float32Array(8).fill(3)};
  const {value} = evaluate(reference, [logits, ints([1, -100])]);
  assertClose(value, {shape: [2], data: [Math.log(4), 0]}, {atol: 1e-6});
});

test('reference: gradients equal central differences', () => {
  checkGradients(reference, [random([3, 5], 1, 2), ints([4, -100, 0])]);
});

for (const [rows, cols] of [
  [1, 7],
  [3, 8],
  [2, 15],
  [4, 16],
  [2, 17],
  [5, 33],
  [90, 400],
  [2, 5120],
  [2, 32007],
] as const) {
  const labels = randomInts([rows], 3, 0, cols);
  if (rows > 2) labels.data[1] = -100;
  testParity(test, `equals the reference, logits [${rows}, ${cols}]`, {
    op,
    reference,
    inputs: [random([rows, cols], 2, 10), labels],
    // Losses up to 25; sums of up to 32007 exponentials in different order.
    tolerance: {atol: 5e-6, rtol: 2e-6},
  });
}

testParity(test, 'ignores a label that is a class', {
  ...withIgnore(2),
  inputs: [random([4, 9], 4, 3), ints([0, 2, 8, 2])],
  tolerance: {atol: 2e-6},
});

testOnEachBackend(test, 'large logits neither overflow nor lose the small loss', () => {
  const logits = tf.tensor2d([1000, 990, -1000], [1, 3]);
  const losses = op(logits, toTensor(ints([0])));
  assertClose(losses, {shape: [1], data: [Math.log1p(Math.exp(-10))]}, {atol: 1e-8, rtol: 2e-3});
});

testOnEachBackend(test, 'refuses labels that are no class', () => {
  for (const label of [-1, 3]) {
    assert.throws(
      () => op(tf.ones([2, 3]), toTensor(ints([0, label]))),
      new RegExp(`labels of values in \\[0, 3\\) or -100, got ${label}`),
    );
  }
});

test.run();
