import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {variants, withVariant} from '../support/backends.js';
import {random, testParity} from '../support/parity.js';

const test = suite('matMul');

const swapped = (shape: number[]) => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];

for (const [a, b] of [
  [
    [1, 1],
    [1, 1],
  ],
  [
    [3, 17],
    [17, 16],
  ],
  [
    [16, 40],
    [40, 5],
  ],
  [
    [65, 33],
    [33, 70],
  ],
  [
    [30, 600],
    [600, 40],
  ],
  [
    [4, 7, 9],
    [4, 9, 5],
  ],
  [
    [4, 7, 9],
    [1, 9, 5],
  ],
  [
    [1, 7, 9],
    [4, 9, 5],
  ],
  [
    [2, 3, 5, 6],
    [2, 3, 6, 4],
  ],
  [
    [3, 5, 6],
    [2, 3, 6, 4],
  ],
] as [number[], number[]][]) {
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      const inputs = [
        random(transposeA ? swapped(a) : a, 1),
        random(transposeB ? swapped(b) : b, 2),
      ];
      const op = (x?: tf.Tensor, y?: tf.Tensor) => tf.matMul(x!, y!, transposeA, transposeB);
      testParity(test, `[${a}]${transposeA ? 'ᵀ' : ''} [${b}]${transposeB ? 'ᵀ' : ''}`, {
        op,
        reference: op,
        inputs,
        tolerance: {atol: 1e-4, rtol: 1e-5},
        // tfjs's gradient of matMul does not add up over a broadcast batch.
        hasGradient: a.slice(0, -2).join() === b.slice(0, -2).join(),
      });
    }
  }
}

for (const variant of variants()) {
  if (variant.backend !== 'native') continue;
  test(`large sizes agree with their parts (${variant.name})`, () => {
    withVariant(variant, () => {
      // More rows, columns and depth than one slab of packed panels holds.
      const [m, k, n] = [1100, 270, 2100];
      const a = tf.tensor2d(random([m, k], 3).data, [m, k]);
      const b = tf.tensor2d(random([k, n], 4).data, [k, n]);
      const whole = tf.matMul(a, b);
      const rows = [0, 517, 1023, 1024, 1099];
      const picked = tf.gather(whole, tf.tensor1d(rows, 'int32'));
      const alone = tf.matMul(tf.gather(a, tf.tensor1d(rows, 'int32')), b);
      assert.is(tf.max(tf.abs(tf.sub(picked, alone))).dataSync()[0], 0);
      const sums = tf.matMul(a, tf.sum(b, 1, true));
      const difference = tf.max(tf.abs(tf.sub(tf.sum(whole, 1, true), sums)));
      assert.ok(difference.dataSync()[0]! < 1e-2);
    });
  });

  // tfjs's own CPU kernel gets this wrong: nothing to compare with but the full batch.
  test(`both batches are broadcast (${variant.name})`, () => {
    withVariant(variant, () => {
      const a = tf.tensor4d(random([2, 1, 5, 6], 5).data, [2, 1, 5, 6]);
      const b = tf.tensor4d(random([1, 3, 6, 4], 6).data, [1, 3, 6, 4]);
      const wide = tf.matMul(tf.tile(a, [1, 3, 1, 1]), tf.tile(b, [2, 1, 1, 1]));
      assert.equal(tf.matMul(a, b).arraySync(), wide.arraySync());
    });
  });

  test(`inner size 0 gives zeros (${variant.name})`, () => {
    withVariant(variant, () => {
      const product = tf.matMul(tf.zeros([2, 0]), tf.zeros([0, 3]));
      assert.equal(Array.from(product.dataSync()), [0, 0, 0, 0, 0, 0]);
    });
  });
}

test.run();
