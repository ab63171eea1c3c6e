import tf from '#tfjs';
import {checkShape, lastDim} from '../checkShape.js';
import {rmsNormReference} from './rmsNorm.reference.js';

export const RmsNorm = 'EmuRmsNorm';

export interface RmsNormAttrs extends tf.NamedAttrMap {
  eps: number;
}

/** x · weight / rms(x) over the last dimension: x [..., C], weight [C] -> [..., C] */
export function rmsNorm<T extends tf.Tensor>(x: T, weight: tf.Tensor, eps = 1e-6): T {
  checkShape('rmsNorm', 'weight', weight.shape, [lastDim('rmsNorm', 'x', x)]);
  if (!tf.getKernel(RmsNorm, tf.getBackend())) return rmsNormReference(x, weight, eps) as T;
  const attrs: RmsNormAttrs = {eps};
  return tf.engine().runKernel(RmsNorm, {x, weight}, attrs) as T;
}
