// x [B, ..., C]: channels last. Statistics run over the positions between and the channels of a group.
import tf from '#tfjs';
import {checkShape, lastDim, ShapeError} from '../checkShape.js';
import {groupNormReference} from './groupNorm.reference.js';

export const GroupNorm = 'EmuGroupNorm';

export interface GroupNormOptions {
  /** Groups of neighbouring channels; divides C. */
  readonly groups: number;
  readonly eps: number;
  /** A function applied to the result in the same pass. */
  readonly activation?: 'silu';
}

export interface GroupNormAttrs extends tf.NamedAttrMap {
  groups: number;
  eps: number;
  activation: 'silu' | 'none';
}

/**
 * Group normalization (arXiv 1803.08494), then the activation:
 * x [B, ..., C], weight [C], bias [C] -> [B, ..., C]
 */
export function groupNorm<T extends tf.Tensor>(
  x: T,
  weight: tf.Tensor,
  bias: tf.Tensor,
  {groups, eps, activation = undefined}: GroupNormOptions,
): T {
  const size = lastDim('groupNorm', 'x', x);
  checkShape('groupNorm', 'weight', weight.shape, [size]);
  checkShape('groupNorm', 'bias', bias.shape, [size]);
  if (!Number.isInteger(groups) || groups < 1 || size % groups !== 0) {
    throw new ShapeError('groupNorm', 'groups', `a divisor of ${size}`, String(groups));
  }
  if (x.rank < 2 || x.size === 0) {
    const expected = 'shape [B, ..., C] and at least one number';
    throw new ShapeError('groupNorm', 'x', expected, `shape [${x.shape.join(', ')}]`);
  }
  const attrs: GroupNormAttrs = {groups, eps, activation: activation ?? 'none'};
  if (!tf.getKernel(GroupNorm, tf.getBackend())) {
    return groupNormReference(x, weight, bias, attrs) as T;
  }
  // The other outputs, mean and inverse deviation of each group, are what the backward kernel needs.
  const outputs = tf.engine().runKernel(GroupNorm, {x, weight, bias}, attrs) as tf.Tensor[];
  const [y, ...statistics] = outputs;
  tf.dispose(statistics);
  return y as T;
}
