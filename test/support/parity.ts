// An op on every backend and instruction set against its reference composition on tfjs's cpu.

import type {uvu} from 'uvu';
import tf from '#tfjs';
import {assertClose, type NumberArray, type Tolerance} from './assertClose.js';
import {referenceVariant, variants, withVariant} from './backends.js';

export interface Numbers extends NumberArray {
  readonly shape: number[];
  readonly data: Float32Array | Int32Array;
}

/** Numbers in [-scale, scale) that depend on the seed only. */
export function random(shape: number[], seed: number, scale = 1): Numbers {
  const next = generator(seed);
  const data = Float32Array.from({length: sizeOf(shape)}, () => (2 * next() - 1) * scale);
  return {shape, data};
}

/** Whole numbers in [low, high) that depend on the seed only. */
export function randomInts(shape: number[], seed: number, low: number, high: number): Numbers {
  const next = generator(seed);
  const count = sizeOf(shape);
  const data = Int32Array.from({length: count}, () => low + Math.floor(next() * (high - low)));
  return {shape, data};
}

export const ints = (values: number[], shape = [values.length]): Numbers => ({
  shape,
  data: Int32Array.from(values),
});

export function toTensor({shape, data}: Numbers): tf.Tensor {
  return tf.tensor(data, shape, data instanceof Int32Array ? 'int32' : 'float32');
}

/** Copies a tensor's numbers out of the backend. */
export function toNumbers(tensor: tf.Tensor): Numbers {
  return {shape: tensor.shape, data: tensor.dataSync().slice() as Float32Array};
}

type Function = (...inputs: tf.Tensor[]) => tf.Tensor;

export interface Evaluation {
  readonly value: Numbers;
  readonly gradients: Numbers[];
}

/** What `fn` gives and, for the weights `dy` of its results, the gradients of its float inputs. */
export function evaluate(fn: Function, inputs: readonly Numbers[], dy?: Numbers): Evaluation {
  let value: Numbers | undefined;
  let gradients: Numbers[] = [];
  tf.tidy(() => {
    const tensors = inputs.map(toTensor);
    value = toNumbers(fn(...tensors));
    if (!dy) return;
    const isFloat = tensors.map((tensor) => tensor.dtype === 'float32');
    const ofFloats = (...floats: tf.Tensor[]) => {
      const rest = [...floats];
      return fn(...tensors.map((tensor, i) => (isFloat[i] ? rest.shift()! : tensor)));
    };
    const floats = tensors.filter((_, i) => isFloat[i]);
    gradients = tf.grads(ofFloats)(floats, toTensor(dy)).map(toNumbers);
  });
  return {value: value!, gradients};
}

export interface Parity {
  readonly op: Function;
  readonly reference: Function;
  readonly inputs: readonly Numbers[];
  readonly tolerance: Tolerance;
  /** For gradients; default: that of the values. */
  readonly gradientTolerance?: Tolerance;
  readonly hasGradient?: boolean;
}

/** Registers one test per variant: values and gradients equal the reference composition's. */
export function testParity(
  test: uvu.Test<Record<string, unknown>>,
  name: string,
  parity: Parity,
): void {
  const {op, reference, inputs, tolerance, hasGradient = true} = parity;
  const gradientTolerance = parity.gradientTolerance ?? tolerance;
  let expected: Evaluation | undefined;
  let dy: Numbers | undefined;
  for (const variant of variants()) {
    test(`${name} (${variant.name})`, () => {
      if (!expected) {
        expected = withVariant(referenceVariant, () => {
          const {value} = evaluate(reference, inputs);
          dy = hasGradient ? random(value.shape, 99) : undefined;
          return evaluate(reference, inputs, dy);
        });
      }
      const wanted = expected;
      const actual = withVariant(variant, () => evaluate(op, inputs, dy));
      assertClose(actual.value, wanted.value, tolerance, 'value');
      for (const [i, gradient] of actual.gradients.entries()) {
        const what = `gradient ${i}`;
        assertClose(gradient, wanted.gradients[i]!, gradientTolerance, what);
      }
    });
  }
}

/**
 * Checks gradients of a reference composition against central differences of its weighted sum, at
 * every element: the oracle's own test. float32 and steps of 1e-2 leave errors of about 1e-3.
 */
export function checkGradients(fn: Function, inputs: readonly Numbers[], atol = 4e-3): void {
  withVariant(referenceVariant, () => {
    const {value} = evaluate(fn, inputs);
    const dy = random(value.shape, 98);
    const {gradients} = evaluate(fn, inputs, dy);
    const weightedSum = (changed: readonly Numbers[]) => {
      const {data} = evaluate(fn, changed).value;
      return Array.from(data).reduce((total, y, i) => total + y * dy.data[i]!, 0);
    };
    const floats = inputs.filter(({data}) => data instanceof Float32Array);
    floats.forEach((input, which) => {
      const step = 1e-2;
      const differences = input.data.map((_, element) => {
        const shifted = (by: number) =>
          inputs.map((other) => {
            if (other !== input) return other;
            const data = other.data.slice();
            data[element] = data[element]! + by;
            return {shape: other.shape, data};
          });
        return (weightedSum(shifted(step)) - weightedSum(shifted(-step))) / (2 * step);
      });
      const expected = {shape: input.shape, data: differences};
      assertClose(gradients[which]!, expected, {atol}, `gradient ${which}`);
    });
  });
}

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** mulberry32: small, and the same numbers everywhere. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
