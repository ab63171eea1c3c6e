// x [..., C]: channels last. Statistics run over all dimensions but the last.
import tf from '#tfjs';
import {checkShape, lastDim, ShapeError} from '../checkShape.js';
import {
  batchNormInferenceReference,
  batchNormMomentsReference,
  batchNormReference,
} from './batchNorm.reference.js';

export const BatchNorm = 'EmuBatchNorm';
export const BatchNormMoments = 'EmuBatchNormMoments';
export const BatchNormInference = 'EmuBatchNormInference';

/** A function applied to the result in the same pass. */
export type Activation = 'relu' | undefined;

export interface BatchNormAttrs extends tf.NamedAttrMap {
  eps: number;
  activation: 'relu' | 'none';
}

export interface Moments {
  readonly mean: tf.Tensor1D;
  /** Biased: divided by the number of rows. */
  readonly variance: tf.Tensor1D;
}

/**
 * Batch normalization in training: activation((x - mean) / sqrt(variance + eps) · weight + bias) with the
 * mean and biased variance of x itself: x [..., C], weight [C], bias [C] -> [..., C]
 */
export function batchNorm<T extends tf.Tensor>(
  x: T,
  weight: tf.Tensor,
  bias: tf.Tensor,
  eps = 1e-5,
  activation?: Activation,
): T {
  checkColumns('batchNorm', x, {weight, bias});
  checkRows('batchNorm', x);
  const attrs: BatchNormAttrs = {eps, activation: activation ?? 'none'};
  if (!tf.getKernel(BatchNorm, tf.getBackend())) {
    return batchNormReference(x, weight, bias, attrs) as T;
  }
  return (tf.engine().runKernel(BatchNorm, {x, weight, bias}, attrs) as tf.Tensor[])[0] as T;
}

/** The same with the statistics for the running averages, which carry no gradient. */
export function batchNormWithMoments<T extends tf.Tensor>(
  x: T,
  weight: tf.Tensor,
  bias: tf.Tensor,
  eps = 1e-5,
  activation?: Activation,
): Moments & {readonly y: T} {
  if (!tf.getKernel(BatchNorm, tf.getBackend()))
    return {y: batchNorm(x, weight, bias, eps, activation), ...batchNormMoments(x)};
  checkColumns('batchNormWithMoments', x, {weight, bias});
  checkRows('batchNormWithMoments', x);
  const attrs: BatchNormAttrs = {eps, activation: activation ?? 'none'};
  const [y, mean, variance] = tf.engine().runKernel(BatchNorm, {x, weight, bias}, attrs) as [
    T,
    tf.Tensor1D,
    tf.Tensor1D,
  ];
  return {y, mean, variance};
}

/** Statistics of x for the running averages, without gradient: x [..., C] -> [C] each */
export function batchNormMoments(x: tf.Tensor): Moments {
  checkRows('batchNormMoments', x);
  if (!tf.getKernel(BatchNormMoments, tf.getBackend())) {
    const {mean, variance} = batchNormMomentsReference(x);
    return {mean: withoutGradient(mean), variance: withoutGradient(variance)};
  }
  const [mean, variance] = tf.engine().runKernel(BatchNormMoments, {x}) as tf.Tensor1D[];
  return {mean: mean!, variance: variance!};
}

/** Batch normalization with given statistics: x [..., C], the others [C] -> [..., C] */
export function batchNormInference<T extends tf.Tensor>(
  x: T,
  mean: tf.Tensor,
  variance: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
  eps = 1e-5,
  activation?: Activation,
): T {
  checkColumns('batchNormInference', x, {mean, variance, weight, bias});
  const attrs: BatchNormAttrs = {eps, activation: activation ?? 'none'};
  if (!tf.getKernel(BatchNormInference, tf.getBackend())) {
    return batchNormInferenceReference(x, mean, variance, weight, bias, attrs) as T;
  }
  const inputs = {x, mean, variance, weight, bias};
  return tf.engine().runKernel(BatchNormInference, inputs, attrs) as T;
}

/** The same numbers as a constant for the tape. */
function withoutGradient(tensor: tf.Tensor1D): tf.Tensor1D {
  const constant = tf.customGrad((x) => ({
    value: tf.clone(x as tf.Tensor),
    gradFunc: (dy) => tf.zerosLike(dy),
  }));
  return constant(tensor) as tf.Tensor1D;
}

function checkColumns(op: string, x: tf.Tensor, columns: Record<string, tf.Tensor>): void {
  const size = lastDim(op, 'x', x);
  for (const [name, tensor] of Object.entries(columns)) checkShape(op, name, tensor.shape, [size]);
}

function checkRows(op: string, x: tf.Tensor): void {
  if (lastDim(op, 'x', x) === 0 || x.size === 0) {
    throw new ShapeError(op, 'x', 'at least one row', `shape [${x.shape.join(', ')}]`);
  }
}
