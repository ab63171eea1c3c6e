import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {AdamW} from '../../src/train/adamw.js';
import {Ema} from '../../src/train/ema.js';
import {assertClose} from '../support/assertClose.js';
import {testOnEachBackend} from '../support/backends.js';

const test = suite('ema');

function variablesOf(values: Record<string, number[]>): Map<string, tf.Variable> {
  return new Map(
    Object.entries(values).map(([name, data]) => [
      name,
      tf.tidy(() => tf.variable(tf.tensor1d(data))),
    ]),
  );
}

const vector = (...data: number[]) => ({shape: [data.length], data});

testOnEachBackend(test, 'follows the variables at its own pace', () => {
  const variables = variablesOf({a: [1, 2], 'b.weight': [-4]});
  const ema = new Ema(variables, 0.9);
  const optimizer = new AdamW({beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1});
  const expected = {a: [1, 2], 'b.weight': [-4]};
  const before = () => tf.memory().numTensors;
  let tensors = 0;
  for (let step = 1; step <= 3; step++) {
    if (step === 2) tensors = before(); // the optimizer has made its moments
    tf.tidy(() => {
      const grads = {a: tf.tensor1d([1, -1]), 'b.weight': tf.tensor1d([0.5])};
      optimizer.step(variables, grads, () => 0.1);
      ema.update();
    });
    for (const [name, values] of Object.entries(expected)) {
      const now = variables.get(name)!.dataSync();
      for (const i of values.keys()) values[i] = 0.9 * values[i]! + 0.1 * now[i]!;
      assertClose(ema.averages.get(name)!, vector(...values), {atol: 1e-6}, name);
    }
  }
  assert.is(before(), tensors);
  // The variables have gone further than their averages.
  assert.ok(variables.get('a')!.dataSync()[0]! < expected.a[0]! - 0.1);
});

testOnEachBackend(test, 'is a source of weights', () => {
  const ema = new Ema(variablesOf({'block.0.weight': [3, 5]}), 0.5);
  const weight = ema.weights().scope('block').scope('0').tensor('weight', [2]);
  assert.equal(Array.from(weight.dataSync()), [3, 5]);
  assert.throws(() => ema.weights().tensor('bias', [2]), /Ema: no weight is named bias/);
});

testOnEachBackend(test, 'comes back from a checkpoint', () => {
  const variables = variablesOf({a: [1, 2]});
  const ema = new Ema(variables, 0.9);
  tf.tidy(() => variables.get('a')!.assign(tf.tensor1d([5, 5])));
  ema.update();
  const saved = new Map(
    [...ema.tensors()].map(([name, tensor]) => [name, tensor.dataSync().slice() as Float32Array]),
  );
  assert.equal([...saved.keys()], ['ema.a']);
  const other = new Ema(variables, 0.9);
  assert.equal(Array.from(other.averages.get('a')!.dataSync()), [5, 5]);
  other.restore(saved);
  for (const one of [ema, other]) one.update();
  assert.equal(
    other.averages.get('a')!.dataSync().slice(),
    ema.averages.get('a')!.dataSync().slice(),
  );
  const before = tf.memory().numTensors;
  other.dispose();
  assert.is(tf.memory().numTensors, before - 1);
});

test.run();
