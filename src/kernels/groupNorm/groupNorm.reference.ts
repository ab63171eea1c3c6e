import tf from '#tfjs';
import type {GroupNormAttrs} from './groupNorm.js';

/**
 * activation((x - mean) / sqrt(variance + eps) · weight + bias) with the mean and biased variance of
 * each group of C / groups neighbouring channels over all positions: x [B, ..., C], weight and bias [C]
 */
export function groupNormReference(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
  {groups, eps, activation}: GroupNormAttrs,
): tf.Tensor {
  return tf.tidy(() => {
    const grouped = tf.reshape(x, [x.shape[0]!, -1, groups, x.shape.at(-1)! / groups]);
    const centered = tf.sub(grouped, tf.mean(grouped, [1, 3], true));
    const variance = tf.mean(tf.square(centered), [1, 3], true);
    const normalized = tf.reshape(tf.mul(centered, tf.rsqrt(tf.add(variance, eps))), x.shape);
    const y = tf.add(tf.mul(normalized, weight), bias);
    return activation === 'silu' ? tf.mul(y, tf.sigmoid(y)) : y;
  });
}
