import tf from '#tfjs';
import {checkShape} from '../checkShape.js';
import {adamwReference} from './adamw.reference.js';

export const Adamw = 'EmuAdamw';

/** What one update needs besides the tensors. */
export interface AdamwStep {
  /** Learning rate. */
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** t of the bias corrections 1 - beta^t: 1 at the first update. */
  readonly step: number;
  /** Factor applied to the gradient first, e.g. by gradient clipping. */
  readonly scale?: number;
}

/** The numbers of AdamwStep in the form that the arithmetic takes. */
export interface AdamwAttrs extends tf.NamedAttrMap {
  beta1: number;
  beta2: number;
  eps: number;
  /** 1 - lr · weightDecay */
  decay: number;
  /** lr / (1 - beta1^t) */
  rate: number;
  /** 1 / sqrt(1 - beta2^t) */
  correction: number;
  scale: number;
}

/**
 * One update of a parameter and its moments, all of one shape, as torch.optim.AdamW computes it:
 *   g = scale · grad;  p -= lr · weightDecay · p;  m += (1 - beta1) (g - m);  v = beta2 v + (1 - beta2) g²
 *   p -= lr / (1 - beta1^t) · m / (sqrt(v / (1 - beta2^t)) + eps)
 * On `native` the numbers are overwritten in place where no other tensor shares them.
 */
export function adamwStep(
  parameter: tf.Variable,
  m: tf.Variable,
  v: tf.Variable,
  grad: tf.Tensor,
  options: AdamwStep,
): void {
  for (const [name, tensor] of Object.entries({m, v, grad})) {
    checkShape('adamwStep', name, tensor.shape, parameter.shape);
  }
  const {lr, beta1, beta2, eps, weightDecay, step, scale = 1} = options;
  const attrs: AdamwAttrs = {
    beta1,
    beta2,
    eps,
    decay: 1 - lr * weightDecay,
    rate: lr / (1 - beta1 ** step),
    correction: 1 / Math.sqrt(1 - beta2 ** step),
    scale,
  };
  tf.tidy(() => {
    const [newParameter, newM, newV] = tf.getKernel(Adamw, tf.getBackend())
      ? (tf.engine().runKernel(Adamw, {parameter, m, v, grad}, attrs) as tf.Tensor[])
      : adamwReference(parameter, m, v, grad, attrs);
    parameter.assign(newParameter!);
    m.assign(newM!);
    v.assign(newV!);
  });
}
