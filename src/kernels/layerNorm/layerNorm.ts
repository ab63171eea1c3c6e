import tf from '#tfjs';
import {checkShape, lastDim} from '../checkShape.js';
import {layerNormReference} from './layerNorm.reference.js';

export const LayerNorm = 'EmuLayerNorm';

export interface LayerNormAttrs extends tf.NamedAttrMap {
  eps: number;
}

/**
 * Normalized over the last dimension, then scaled and shifted:
 * x [..., C], weight [C], bias [C] -> [..., C]
 */
export function layerNorm<T extends tf.Tensor>(
  x: T,
  weight: tf.Tensor,
  bias: tf.Tensor,
  eps: number,
): T {
  const size = lastDim('layerNorm', 'x', x);
  checkShape('layerNorm', 'weight', weight.shape, [size]);
  checkShape('layerNorm', 'bias', bias.shape, [size]);
  if (!tf.getKernel(LayerNorm, tf.getBackend())) {
    return layerNormReference(x, weight, bias, eps) as T;
  }
  const attrs: LayerNormAttrs = {eps};
  return tf.engine().runKernel(LayerNorm, {x, weight, bias}, attrs) as T;
}
