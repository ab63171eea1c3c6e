import tf from '#tfjs';
import type {BatchNormAttrs, Moments} from './batchNorm.js';

/** Mean and biased variance over all but the last dimension: x [..., C] -> [C] each */
export function batchNormMomentsReference(x: tf.Tensor): Moments {
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  return tf.moments(x, axes) as Moments;
}

/** activation((x - mean) / sqrt(variance + eps) · weight + bias): x [..., C], the others [C] */
export function batchNormInferenceReference(
  x: tf.Tensor,
  mean: tf.Tensor,
  variance: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
  {eps, activation}: BatchNormAttrs,
): tf.Tensor {
  return tf.tidy(() => {
    const scale = tf.mul(weight, tf.rsqrt(tf.add(variance, eps)));
    const y = tf.add(tf.mul(tf.sub(x, mean), scale), bias);
    return activation === 'relu' ? tf.relu(y) : y;
  });
}

/** The same with the statistics of x itself, as in training. */
export function batchNormReference(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
  attrs: BatchNormAttrs,
): tf.Tensor {
  return tf.tidy(() => {
    const {mean, variance} = batchNormMomentsReference(x);
    return batchNormInferenceReference(x, mean, variance, weight, bias, attrs);
  });
}
