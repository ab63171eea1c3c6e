import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {adamwReference} from '../../src/kernels/adamw/adamw.reference.js';
import {type AdamwStep, adamwStep, sumOfSquares} from '../../src/kernels/index.js';
import {assertClose} from '../support/assertClose.js';
import {testOnEachBackend} from '../support/backends.js';
import {toNumbers} from '../support/parity.js';

const test = suite('adamw');

const options = {lr: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1};

/** The formulas of torch.optim.AdamW in float64, on one number. */
class Plain {
  m = 0;
  v = 0;
  constructor(public parameter: number) {}

  update(grad: number, {lr, beta1, beta2, eps, weightDecay, step, scale = 1}: AdamwStep): void {
    const g = scale * grad;
    this.parameter *= 1 - lr * weightDecay;
    this.m = beta1 * this.m + (1 - beta1) * g;
    this.v = beta2 * this.v + (1 - beta2) * g * g;
    const mHat = this.m / (1 - beta1 ** step);
    const vHat = this.v / (1 - beta2 ** step);
    this.parameter -= (lr * mHat) / (Math.sqrt(vHat) + eps);
  }
}

function variables(parameter: tf.Tensor) {
  return tf.tidy(() => ({
    parameter: tf.variable(parameter),
    m: tf.variable(tf.zerosLike(parameter)),
    v: tf.variable(tf.zerosLike(parameter)),
  }));
}

for (const size of [1, 7, 16, 17, 20000]) {
  testOnEachBackend(test, `three updates of ${size} numbers`, () => {
    const before = tf.memory().numTensors;
    const start = tf.randomNormal([size], 0, 1, 'float32', 1);
    const {parameter, m, v} = variables(start);
    const plain = Array.from(start.dataSync(), (value) => new Plain(value));
    for (let step = 1; step <= 3; step++) {
      const grad = tf.randomNormal([size], 0, 10 ** -step, 'float32', step + 1);
      const now = {...options, step, scale: 0.5};
      adamwStep(parameter, m, v, grad, now);
      grad.dataSync().forEach((value, i) => {
        plain[i]!.update(value, now);
      });
      grad.dispose();
    }
    const want = (key: 'parameter' | 'm' | 'v') => ({
      shape: [size],
      data: plain.map((one) => one[key]),
    });
    // float32 arithmetic of three updates
    assertClose(parameter, want('parameter'), {atol: 1e-6, rtol: 1e-5}, 'parameter');
    assertClose(m, want('m'), {atol: 1e-7, rtol: 1e-5}, 'm');
    assertClose(v, want('v'), {atol: 1e-9, rtol: 1e-5}, 'v');
    tf.dispose([start, parameter, m, v]);
    assert.is(tf.memory().numTensors, before);
  });
}

testOnEachBackend(test, 'agrees with the reference', () => {
  const start = tf.randomNormal([5, 13], 0, 1, 'float32', 1);
  const grad = tf.randomNormal([5, 13], 0, 1, 'float32', 2);
  const {parameter, m, v} = variables(start);
  const step = 4;
  const attrs = {
    ...options,
    decay: 1 - options.lr * options.weightDecay,
    rate: options.lr / (1 - options.beta1 ** step),
    correction: 1 / Math.sqrt(1 - options.beta2 ** step),
    scale: 1,
  };
  const want = adamwReference(start, m, v, grad, attrs).map(toNumbers);
  adamwStep(parameter, m, v, grad, {...options, step});
  for (const [i, variable] of [parameter, m, v].entries()) {
    assertClose(variable, want[i]!, {atol: 1e-6, rtol: 1e-5}, `output ${i}`);
    variable.dispose();
  }
});

testOnEachBackend(test, 'leaves alone who shares the numbers', () => {
  const numbers = Float32Array.of(1, 2, 3, 4);
  const initial = tf.tensor1d(numbers);
  const {parameter, m, v} = variables(initial);
  const grad = tf.tensor1d([1, 1, 1, 1]);
  const update = (step: number) => adamwStep(parameter, m, v, grad, {...options, step});
  update(1);
  assert.equal([...numbers], [1, 2, 3, 4], "the user's array");
  assert.equal([...initial.dataSync()], [1, 2, 3, 4], 'the initial value');
  const clone = tf.clone(parameter);
  const matrix = tf.reshape(parameter, [2, 2]);
  const slice = tf.slice(parameter, 1, 2);
  const read = parameter.dataSync();
  const kept = [...read];
  update(2);
  update(3);
  assert.equal([...clone.dataSync()], kept, 'a clone');
  assert.equal([...matrix.dataSync()], kept, 'a reshape');
  assert.equal([...slice.dataSync()], kept.slice(1, 3), 'a slice');
  assert.equal([...read], kept, 'numbers read before');
  assert.ok(parameter.dataSync().every((value, i) => value < kept[i]!));
  tf.dispose([initial, parameter, m, v, grad, clone, matrix, slice]);
});

testOnEachBackend(test, 'keeps the storage of its own variables', () => {
  if (tf.getBackend() !== 'native') return;
  const {parameter, m, v} = variables(tf.ones([100]));
  const grad = tf.ones([100]);
  adamwStep(parameter, m, v, grad, {...options, step: 1});
  const storage = [parameter, m, v].map(({dataId}) => dataId);
  adamwStep(parameter, m, v, grad, {...options, step: 2});
  [parameter, m, v].forEach(({dataId}, i) => {
    assert.is(dataId, storage[i]);
  });
  tf.dispose([parameter, m, v, grad]);
});

testOnEachBackend(test, 'checks shapes', () => {
  const {parameter, m, v} = variables(tf.ones([3]));
  assert.throws(
    () => adamwStep(parameter, m, v, tf.ones([4]), {...options, step: 1}),
    /adamwStep: expected grad of shape \[3\], got \[4\]/,
  );
  tf.dispose([parameter, m, v]);
});

for (const sizes of [[], [1], [15, 16, 17], [200003, 3]]) {
  testOnEachBackend(test, `sum of squares of [${sizes}] numbers`, () => {
    const tensors = sizes.map((size, i) => tf.randomNormal([size], 1, 2, 'float32', i));
    let want = 0;
    for (const tensor of tensors) for (const x of tensor.dataSync()) want += x * x;
    // native adds in float64; the others round the sum of each tensor to float32
    const tolerance = tf.getBackend() === 'native' ? 1e-12 : 1e-6;
    assert.ok(Math.abs(sumOfSquares(tensors) - want) <= tolerance * want);
  });
}

test.run();
