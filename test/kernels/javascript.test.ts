// The faster kernels of the reference backend against tfjs's own, which they take the place of.
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {registerFasterKernels} from '../../src/kernels/javascript/register.js';
import {Random} from '../../src/random.js';
import {assertClose} from '../support/assertClose.js';

const test = suite('faster JavaScript kernels');
const random = new Random(11);

type Run = () => tf.Tensor;

function values(shape: readonly number[]): tf.Tensor {
  const length = shape.reduce((size, n) => size * n, 1);
  return tf.tensor(
    Float32Array.from({length}, () => random.normal()),
    [...shape],
  );
}

/** Each way of asking for a kernel, by name. The tensors live as long as the process. */
function cases(): Map<string, Run> {
  const found = new Map<string, Run>();
  const pairs: [number[], number[]][] = [
    [
      [3, 4],
      [3, 4],
    ],
    [[3, 4], []],
    [[], [5]],
    [
      [2, 3, 4],
      [2, 1, 4],
    ],
    [
      [2, 3, 4],
      [3, 1],
    ],
    [
      [4, 1, 5],
      [3, 1],
    ],
    [
      [0, 3],
      [1, 3],
    ],
    [[1, 1], [1]],
  ];
  for (const [a, b] of pairs) {
    const [x, y] = [values(a), values(b)];
    for (const op of [tf.add, tf.sub, tf.mul, tf.div])
      found.set(`${op.name} [${a}] [${b}]`, () => op(x, y));
  }
  const products: [number[], number[]][] = [
    [
      [5, 7],
      [7, 6],
    ],
    [
      [1, 1],
      [1, 1],
    ],
    [
      [2, 9, 4],
      [2, 4, 8],
    ],
    [
      [1, 3, 4],
      [2, 4, 5],
    ],
    [
      [3, 4],
      [2, 4, 5],
    ],
  ];
  const swap = (shape: number[]) => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
  for (const [a, b] of products)
    for (const [ta, tb] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ] as const) {
      const [x, y] = [values(ta ? swap(a) : a), values(tb ? swap(b) : b)];
      found.set(`matMul [${a}] [${b}] ${ta} ${tb}`, () => tf.matMul(x, y, ta, tb));
    }
  const convolutions: [number[], number[], number, 'valid' | 'same' | number, number][] = [
    [[2, 7, 6, 3], [3, 3, 3, 5], 1, 'same', 1],
    [[1, 9, 9, 2], [3, 3, 2, 4], 2, 'valid', 1],
    [[1, 8, 8, 4], [1, 1, 4, 3], 1, 'valid', 1],
    [[1, 9, 8, 2], [2, 3, 2, 3], 1, 'same', 2],
    [[1, 6, 6, 2], [3, 3, 2, 2], 2, 1, 1],
    [[2, 300, 300, 4], [3, 3, 4, 2], 1, 'same', 1], // more than is gathered at once
  ];
  for (const [x, filter, stride, pad, dilation] of convolutions) {
    const [picture, taps] = [values(x) as tf.Tensor4D, values(filter) as tf.Tensor4D];
    const name = `[${x}] [${filter}] ${stride} ${pad} ${dilation}`;
    found.set(`conv2d ${name}`, () =>
      tf.conv2d(picture, taps, stride, pad, 'NHWC', dilation, pad === 1 ? 'floor' : undefined),
    );
    if (dilation > 1) continue;
    const y = tf.conv2d(picture, taps, stride, pad, 'NHWC', 1, pad === 1 ? 'floor' : undefined);
    const dy = values(y.shape) as tf.Tensor4D;
    found.set(`conv2dTranspose ${name}`, () =>
      tf.conv2dTranspose(dy, taps, picture.shape, stride, pad, pad === 1 ? 'floor' : undefined),
    );
  }
  const cube = values([3, 4, 5]);
  for (const permutation of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 0, 2],
    [0, 2, 1],
  ])
    found.set(`transpose ${permutation}`, () => tf.transpose(cube, permutation));
  found.set('slice', () => tf.slice(cube, [1, 0, 2], [2, 4, -1]));
  found.set('slice of nothing', () => tf.slice(cube, [1, 0, 2], [0, 4, 1]));
  found.set('slice of all', () => tf.slice(cube, [0, 0, 0], [3, 4, 5]));
  for (const sizes of [[1, 3], 2])
    found.set(`split ${sizes}`, () => tf.concat([...tf.split(cube, sizes, 1)].reverse(), 1));
  found.set('split of the last', () => tf.concat(tf.split(cube, [2, 0, 3], -1).reverse(), 2));
  const edges: [number, number][] = [
    [1, 0],
    [0, 2],
    [3, 1],
  ];
  found.set('pad', () => tf.pad(cube, edges));
  found.set('pad with a number', () => tf.pad(cube, edges, 2.5));
  const rows = tf.tensor2d([2, 0, 1, 1], [2, 2], 'int32');
  found.set('gather rows', () => tf.gather(cube, rows));
  found.set('gather columns', () => tf.gather(cube, rows, 1));
  for (const axis of [undefined, 0, 1, 2, -1, [0, 2], [1, 2], []])
    for (const keep of [true, false]) {
      found.set(`sum ${axis} ${keep}`, () => tf.sum(cube, axis, keep));
      found.set(`mean ${axis} ${keep}`, () => tf.mean(cube, axis, keep));
    }
  const number = tf.scalar(4);
  found.set('sum of a number', () => tf.sum(number));
  const large = tf.tensor2d([1000, -1000, 0, -1e30, -1e30, -1e30], [2, 3]);
  found.set('softmax', () => tf.softmax(cube));
  found.set('softmax of large numbers', () => tf.softmax(large));
  const whole = tf.tensor1d([3, 7, -2], 'int32');
  found.set('whole numbers stay so', () => tf.add(whole, whole));
  const two = tf.scalar(2, 'int32');
  found.set('whole numbers divide as before', () => tf.div(whole, two));
  return found;
}

await tf.setBackend('cpu');
const all = cases();
const stock = new Map([...all].map(([name, run]) => [name, tf.tidy(run)]));
registerFasterKernels();

for (const [name, run] of all)
  test(name, () => {
    const before = tf.memory().numTensors;
    const result = tf.tidy(run);
    const wanted = stock.get(name)!;
    assert.equal(result.shape, wanted.shape);
    assert.is(result.dtype, wanted.dtype);
    const data = wanted.dataSync();
    assertClose(result, {shape: wanted.shape, data}, {atol: 1e-5, rtol: 1e-6}, name);
    result.dispose();
    assert.is(tf.memory().numTensors, before, 'tensors left behind');
  });

test('batches that both repeat', () => {
  // tfjs gives too few numbers for these.
  tf.tidy(() => {
    const [a, b] = [values([2, 1, 3, 4]), values([1, 3, 4, 5])];
    const whole = tf.tile(a, [1, 3, 1, 1]);
    const wanted = tf.matMul(whole, tf.tile(b, [2, 1, 1, 1]));
    const {shape} = wanted;
    assertClose(tf.matMul(a, b), {shape, data: wanted.dataSync()}, {atol: 0, rtol: 0}, 'matMul');
  });
});

test('large products, by vectors, are those of float64', () => {
  registerFasterKernels();
  tf.setBackend('cpu');
  // Sizes that are no whole tiles, more terms than are added in float32, more of b and of a than are held.
  for (const [numRows, numColumns, numTerms] of [
    [13, 11, 139],
    [1, 33, 300],
    [9, 37, 4100],
    [7, 1, 600_000],
  ] as const) {
    const [a, b] = [values([numRows, numTerms]), values([numColumns, numTerms])];
    const [x, y] = [a.dataSync(), b.dataSync()];
    const data = Float32Array.from({length: numRows * numColumns}, (_, at) => {
      const [i, j] = [Math.floor(at / numColumns) * numTerms, (at % numColumns) * numTerms];
      let sum = 0;
      for (let k = 0; k < numTerms; k++) sum += x[i + k]! * y[j + k]!;
      return sum;
    });
    const product = tf.matMul(a, b, false, true);
    const atol = 1e-6 * Math.sqrt(numTerms); // of what such sums are, typically
    assertClose(
      product,
      {shape: [numRows, numColumns], data},
      {atol, rtol: 0},
      `${numTerms} terms`,
    );
    tf.dispose([a, b, product]);
  }
});

test.run();
