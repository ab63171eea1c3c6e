// Products of numbers rounded to bfloat16 (--compute bf16): equal to those of the rounded numbers where
// nothing else is rounded, else near those of the numbers themselves.

import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import tf from '#tfjs';
import {
  availableBackends,
  type BackendName,
  selectBackend,
  selectCompute,
} from '../../src/kernels/backend.js';
import {decode, encode} from '../../src/kernels/encoding.js';
import {conv2d, linear} from '../../src/kernels/index.js';
import {loadAddon} from '../../src/kernels/native/addon.js';
import {makeWeight} from '../../src/kernels/weight.js';
import {assertClose} from '../support/assertClose.js';
import {evaluate, type Numbers, random} from '../support/parity.js';
import {skip} from '../support/skip.js';

const test = suite('bf16');
const isas = loadAddon()?.isas() ?? [];

test('says why it computes in f32', () => {
  assert.equal(selectBackend({backend: 'reference', compute: 'bf16'}).compute, 'f32');
  assert.match(selectCompute('bf16').computeReason!, /backend native or tensorflow/);
  if (isas.length === 0) return;
  const {compute, computeReason} = selectBackend({
    backend: 'native',
    isa: 'scalar',
    compute: 'bf16',
  });
  assert.is(compute, 'f32');
  assert.match(computeReason!, /AVX-512 BF16.*scalar/);
  assert.not(loadAddon()!.computesInBf16());
});

function rounded({shape, data}: Numbers): Numbers {
  const bytes = encode(data as Float32Array, 'bf16');
  return {shape, data: decode(bytes, 'bf16')};
}

type Op = (...inputs: tf.Tensor[]) => tf.Tensor;

/** What the op gives on a backend, in a precision; gradients for the weights `dy`. */
function runOn(
  backend: BackendName,
  compute: 'f32' | 'bf16',
  op: Op,
  inputs: readonly Numbers[],
  dy?: Numbers,
) {
  assert.is(selectBackend({backend, compute}).compute, compute);
  try {
    return evaluate(op, inputs, dy);
  } finally {
    selectBackend({backend: 'reference'});
  }
}

const run = (compute: 'f32' | 'bf16', op: Op, inputs: readonly Numbers[], dy?: Numbers) =>
  runOn('native', compute, op, inputs, dy);

function rootMeanSquare(values: ArrayLike<number>): number {
  return Math.sqrt(
    Array.from(values, (value) => value ** 2).reduce((a, b) => a + b, 0) / values.length,
  );
}

if (!isas.includes('avx512bf16')) {
  skip(test, 'products of rounded numbers', 'this processor has no AVX-512 BF16');
} else {
  // Sizes around the tiles, odd depths, more than one slab of the depth (512) and of the rows (1024).
  for (const [m, n, k] of [
    [13, 1, 1],
    [17, 31, 33],
    [14, 32, 64],
    [100, 65, 1031],
    [1100, 70, 47],
  ] as const)
    for (const transposeA of [false, true])
      for (const transposeB of [false, true])
        test(`matMul [${m}, ${k}] x [${k}, ${n}]${transposeA ? ' Aᵀ' : ''}${transposeB ? ' Bᵀ' : ''}`, () => {
          const inputs = [
            random(transposeA ? [k, m] : [m, k], 1),
            random(transposeB ? [n, k] : [k, n], 2),
          ];
          const op: Op = (a, b) => tf.matMul(a!, b!, transposeA, transposeB);
          const found = run('bf16', op, inputs);
          const wanted = run('f32', op, inputs.map(rounded));
          assertClose(found.value, wanted.value, {atol: 2e-5 * Math.sqrt(k)}, 'value');
        });

  test('gradients of a dense layer round what they multiply', () => {
    const [x, weight, bias, dy] = [[40, 37], [45, 37], [45], [40, 45]].map((shape, i) =>
      random(shape, i),
    ) as [Numbers, Numbers, Numbers, Numbers];
    const op: Op = (...[at, w, b]) => linear(at!, w!, b!);
    const found = run('bf16', op, [x, weight, bias], dy);
    const wanted = run('f32', op, [rounded(x), rounded(weight), bias], rounded(dy));
    assertClose(found.value, wanted.value, {atol: 1e-4}, 'value');
    for (const i of [0, 1])
      assertClose(found.gradients[i]!, wanted.gradients[i]!, {atol: 1e-4}, `gradient ${i}`);
    // The bias's is a sum, not a product.
    const [, , wantedBias] = run('f32', op, [x, weight, bias], dy).gradients;
    assertClose(found.gradients[2]!, wantedBias!, {atol: 0}, 'bias');
  });

  test('a convolution of gathered rows', () => {
    const inputs = [random([3, 9, 8, 17], 1), random([19, 17, 3, 3], 2)];
    const op: Op = (x, weight) =>
      conv2d(x as tf.Tensor4D, weight!, undefined, {stride: 2, padding: 1});
    const found = run('bf16', op, inputs);
    const wanted = run('f32', op, inputs.map(rounded));
    assertClose(found.value, wanted.value, {atol: 1e-4}, 'value');
  });

  // Winograd's transformed tiles are rounded: 3 more bits of error than the numbers' own 2^-9.
  test('a convolution by Winograd comes near', () => {
    const inputs = [random([8, 9, 8, 32], 1), random([24, 32, 3, 3], 2)];
    const dy = random([8, 9, 8, 24], 3);
    const op: Op = (x, weight) => conv2d(x as tf.Tensor4D, weight!, undefined, {padding: 1});
    const found = run('bf16', op, inputs, dy);
    const wanted = run('f32', op, inputs, dy);
    const pairs = [
      [found.value, wanted.value],
      [found.gradients[0]!, wanted.gradients[0]!],
      [found.gradients[1]!, wanted.gradients[1]!],
    ] as const;
    for (const [a, b] of pairs) {
      const off = Array.from(a.data, (value, at) => value - b.data[at]!);
      const error = rootMeanSquare(off) / rootMeanSquare(b.data);
      assert.ok(error > 1e-4 && error < 0.01, `relative error ${error}`);
    }
  });

  // TensorFlow rounds the results too: 2^-9 of each.
  if (availableBackends().includes('tensorflow'))
    test('products on TensorFlow', () => {
      const [x, weight, bias, dy] = [[40, 37], [45, 37], [45], [40, 45]].map((shape, i) =>
        random(shape, i),
      ) as [Numbers, Numbers, Numbers, Numbers];
      const op: Op = (...[at, w, b]) => linear(at!, w!, b!);
      const found = runOn('tensorflow', 'bf16', op, [x, weight, bias], dy);
      const wanted = runOn(
        'tensorflow',
        'f32',
        op,
        [rounded(x), rounded(weight), bias],
        rounded(dy),
      );
      const tolerance = {atol: 1e-4, rtol: 2 ** -8};
      assertClose(found.value, wanted.value, {...tolerance, atol: 0.02}, 'value'); // before the bias
      for (const i of [0, 1])
        assertClose(found.gradients[i]!, wanted.gradients[i]!, tolerance, `gradient ${i}`);
      const exact = runOn('tensorflow', 'f32', op, [x, weight, bias], dy);
      assertClose(found.gradients[2]!, exact.gradients[2]!, {atol: 0}, 'bias');
      for (const encoding of ['f16', 'bf16'] as const)
        for (const rows of [1, 40]) {
          const data = x.data.slice(0, rows * 37) as Float32Array;
          const product = (compute: 'f32' | 'bf16') => {
            selectBackend({backend: 'tensorflow', compute});
            return tf.tidy(() => {
              const bytes = encode(weight.data as Float32Array, encoding);
              return linear(
                tf.tensor2d(data, [rows, 37]),
                makeWeight(bytes, encoding, [45, 37]),
              ).dataSync();
            });
          };
          const [short, long] = [product('bf16'), product('f32')];
          const off = Array.from(short, (value, i) => value - long[i]!);
          assert.ok(rootMeanSquare(off) < 0.01 * rootMeanSquare(long));
        }
      selectBackend({backend: 'reference'});
    });
}

test.run();
