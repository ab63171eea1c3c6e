// Many calls of each op, forward and gradient, leave no tensor behind.

import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import tf from '#tfjs';
import {selectBackend} from '../../src/kernels/backend.js';
import * as ops from '../../src/kernels/index.js';
import {tensorsHeld, testedBackends} from '../support/backends.js';
import {ints, type Numbers, random, toTensor} from '../support/parity.js';

const test = suite('leaks');
// tfjs's own kernels are slow; one tensor a call shows in any number of calls.
const CALLS = {native: 1000, tensorflow: 200, reference: 200};

interface Case {
  readonly inputs: readonly Numbers[];
  /** Indices of the inputs to differentiate by; none: forward only. */
  readonly by: readonly number[];
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor;
}

const x = random([2, 8], 1);
const head = random([1, 2, 2, 4], 2);
const vector = random([8], 3);
const cases: Record<string, Case> = {
  linear: {
    inputs: [x, random([4, 8], 4), random([4], 5)],
    by: [0, 1, 2],
    run: (input, weight, bias) => ops.linear(input!, weight!, bias!),
  },
  rmsNorm: {inputs: [x, vector], by: [0, 1], run: (a, w) => ops.rmsNorm(a!, w!)},
  layerNorm: {
    inputs: [x, vector, vector],
    by: [0, 1, 2],
    run: (a, w, b) => ops.layerNorm(a!, w!, b!, 1e-6),
  },
  groupNorm: {
    inputs: [x, vector, vector],
    by: [0, 1, 2],
    run: (a, w, b) => ops.groupNorm(a!, w!, b!, {groups: 2, eps: 1e-6, activation: 'silu'}),
  },
  conv2d: {
    inputs: [random([1, 4, 4, 2], 10), random([3, 2, 3, 3], 11), random([3], 12)],
    by: [0, 1, 2],
    run: (a, w, b) => ops.conv2d(a as tf.Tensor4D, w!, b!, {stride: 2, paddingEnd: 1}),
  },
  rope: {
    inputs: [head, ints([0, 5], [1, 2])],
    by: [0],
    run: (a, positions) => ops.rope(a as tf.Tensor4D, positions as tf.Tensor2D),
  },
  gelu: {inputs: [x], by: [0], run: (a) => ops.gelu(a!)},
  siluGate: {inputs: [x, x], by: [0, 1], run: (gate, up) => ops.siluGate(gate!, up!)},
  embedding: {
    inputs: [ints([1, 1, 0]), x],
    by: [1],
    run: (ids, table) => ops.embedding(ids!, table!),
  },
  softmaxCrossEntropy: {
    inputs: [x, ints([3, -100])],
    by: [0],
    run: (logits, labels) => ops.softmaxCrossEntropy(logits!, labels!),
  },
  attention: {
    inputs: [head, head, head, random([1, 2, 2, 2], 6), ints([0])],
    by: [0, 1, 2, 3],
    run: (q, k, v, bias, keyStart) =>
      ops.attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, {
        ...{scale: 1, isCausal: true},
        ...{bias, keyStart},
      }),
  },
  patchEmbedding: {
    inputs: [random([1, 3, 4, 4], 7), random([2, 3, 2, 2], 8), random([2], 9)],
    by: [0, 1, 2],
    run: (pixels, weight, bias) => ops.patchEmbedding(pixels as tf.Tensor4D, weight!, bias!),
  },
  cacheWrite: {
    inputs: [head],
    by: [],
    run: (values) => ops.cacheWrite(tf.zeros([1, 3, 2, 4]), values as tf.Tensor4D, 1),
  },
};

function callOnce({by, run}: Case, tensors: tf.Tensor[]): void {
  run(...tensors).dispose();
  if (by.length === 0) return;
  const ofSome = (...some: tf.Tensor[]) => {
    const rest = [...some];
    return run(...tensors.map((tensor, i) => (by.includes(i) ? rest.shift()! : tensor)));
  };
  tf.dispose(tf.grads(ofSome)(by.map((i) => tensors[i]!)));
}

for (const backend of testedBackends()) {
  for (const [name, one] of Object.entries(cases)) {
    test(`${name} (${backend})`, () => {
      selectBackend({backend});
      const tensors = one.inputs.map(toTensor);
      // No tidy around the calls: an op must not rely on its caller's.
      callOnce(one, tensors);
      const before = tf.memory();
      const held = tensorsHeld();
      for (let i = 0; i < CALLS[backend]; i++) callOnce(one, tensors);
      const after = tf.memory();
      assert.equal(tensorsHeld(), held);
      assert.is(after.numBytes, before.numBytes);
      assert.is(after.numDataBuffers, before.numDataBuffers);
      tf.dispose(tensors);
    });
  }
}

test.run();
