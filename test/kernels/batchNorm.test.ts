import * as tf from '@tensorflow/tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {
  batchNormInferenceReference,
  batchNormMomentsReference,
  batchNormReference,
} from '../../src/kernels/batchNorm/batchNorm.reference.js';
import {
  type Activation,
  batchNorm,
  batchNormInference,
  batchNormMoments,
} from '../../src/kernels/index.js';
import {loadAddon} from '../../src/kernels/native/addon.js';
import {assertClose} from '../support/assertClose.js';
import {onEveryVariant} from '../support/backends.js';

const test = suite('batchNorm');
const eps = 1e-5;

// Columns around the vector widths (4, 8, 16 lanes, 4 vectors at a time); rows beyond one chunk.
const shapes = [
  [2, 1],
  [5, 3],
  [4, 15],
  [2, 3, 16],
  [3, 17],
  [2, 5, 7, 67],
  [3000, 8],
  [70, 300],
];

function inputs(shape: number[]) {
  const size = shape.at(-1)!;
  return {
    x: tf.randomNormal(shape, 3, 2, 'float32', 1),
    weight: tf.randomUniform([size], 0.5, 1.5, 'float32', 2),
    bias: tf.randomNormal([size], 0, 1, 'float32', 3),
    dy: tf.randomNormal(shape, 0, 1, 'float32', 4),
  };
}

/** Values and gradients of f at the tensors. */
function gradients(
  f: (...tensors: tf.Tensor[]) => tf.Tensor,
  tensors: tf.Tensor[],
  dy: tf.Tensor,
): Record<string, tf.TypedArray> {
  const grads = tf.grads((...at: tf.Tensor[]) => f(...at))(tensors, dy);
  const entries = grads.map((grad, i) => [`gradient ${i}`, grad.dataSync()]);
  return {y: f(...tensors).dataSync(), ...Object.fromEntries(entries)};
}

/** Sums over N rows differ by rounding: the tolerance grows with their number. */
function compare(
  actual: Record<string, tf.TypedArray>,
  expected: Record<string, tf.TypedArray>,
  rows: number,
): void {
  for (const [name, values] of Object.entries(expected)) {
    assertClose(actual[name]!, values, {atol: 2e-5 * Math.sqrt(rows), rtol: 1e-4, name});
  }
}

for (const shape of shapes) {
  const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  for (const activation of [undefined, 'relu'] as Activation[]) {
    const attrs = {eps, activation: activation ?? 'none'} as const;
    const name = `[${shape}] ${activation ?? ''}`;

    onEveryVariant(test, `training ${name}`, () => {
      tf.tidy(() => {
        const {x, weight, bias, dy} = inputs(shape);
        const args = [x, weight, bias];
        compare(
          gradients((...at) => batchNorm(at[0]!, at[1]!, at[2]!, eps, activation), args, dy),
          gradients((...at) => batchNormReference(at[0]!, at[1]!, at[2]!, attrs), args, dy),
          rows,
        );
      });
    });

    onEveryVariant(test, `inference ${name}`, () => {
      tf.tidy(() => {
        const {x, weight, bias, dy} = inputs(shape);
        const mean = tf.randomNormal(bias.shape, 3, 1, 'float32', 5);
        const variance = tf.randomUniform(bias.shape, 1, 4, 'float32', 6);
        type Five = [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        const args: Five = [x, mean, variance, weight, bias];
        compare(
          gradients((...at) => batchNormInference(...(at as Five), eps, activation), args, dy),
          gradients((...at) => batchNormInferenceReference(...(at as Five), attrs), args, dy),
          rows,
        );
      });
    });
  }

  onEveryVariant(test, `moments [${shape}]`, () => {
    tf.tidy(() => {
      const {x} = inputs(shape);
      const actual = batchNormMoments(x);
      const expected = batchNormMomentsReference(x);
      for (const key of ['mean', 'variance'] as const) {
        assert.equal(actual[key].shape, [shape.at(-1)]);
        assertClose(actual[key].dataSync(), expected[key].dataSync(), {
          atol: 1e-5,
          rtol: 1e-5,
          name: key,
        });
      }
    });
  });
}

onEveryVariant(test, 'a variance far below the square of the mean', () => {
  tf.tidy(() => {
    const rows = 4096;
    const x = tf.tensor2d(
      Float32Array.from({length: rows}, (_, i) => 1000 + (i % 2)),
      [rows, 1],
    );
    const {mean, variance} = batchNormMoments(x);
    assertClose(mean.dataSync(), [1000.5], {atol: 1e-3, rtol: 0, name: 'mean'});
    assertClose(variance.dataSync(), [0.25], {atol: 1e-4, rtol: 0, name: 'variance'});
  });
});

onEveryVariant(test, 'results do not depend on the number of threads', () => {
  const addon = loadAddon();
  if (tf.getBackend() !== 'native' || !addon) return;
  const run = (threads: number) =>
    tf.tidy(() => {
      addon.setThreads(threads);
      const {x, weight, bias, dy} = inputs([5000, 19]);
      return gradients(
        (...at) => batchNorm(at[0]!, at[1]!, at[2]!, eps, 'relu'),
        [x, weight, bias],
        dy,
      );
    });
  const one = run(1);
  assert.equal(run(3), one);
  addon.setThreads(0);
});

onEveryVariant(test, 'moments are constants for the gradient', () => {
  tf.tidy(() => {
    const {x, dy} = inputs([6, 5]);
    const [dx] = tf.grads((at: tf.Tensor) => {
      const {mean} = batchNormMoments(at);
      return tf.add(tf.mul(at, 2), tf.mul(mean, 3));
    })([x], dy);
    assertClose(dx!.dataSync(), tf.mul(dy, 2).dataSync(), {atol: 1e-6, rtol: 0, name: 'dx'});
  });
});

onEveryVariant(test, 'checks shapes', () => {
  tf.tidy(() => {
    assert.throws(
      () => batchNorm(tf.ones([2, 3]), tf.ones([4]), tf.ones([3])),
      /batchNorm: expected weight of shape \[3\], got \[4\]/,
    );
    assert.throws(() => batchNormMoments(tf.ones([0, 3])), /batchNormMoments: expected x of/);
  });
});

test.run();
