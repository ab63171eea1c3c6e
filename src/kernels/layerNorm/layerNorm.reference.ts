import tf from '#tfjs';

/**
 * (x - mean) / sqrt(variance + eps) · weight + bias over the last dimension; the variance divides
 * by C, not C - 1.
 */
export function layerNormReference(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
  eps: number,
): tf.Tensor {
  return tf.tidy(() => {
    const centered = tf.sub(x, tf.mean(x, -1, true));
    const variance = tf.mean(tf.square(centered), -1, true);
    return tf.add(tf.mul(tf.mul(centered, tf.rsqrt(tf.add(variance, eps))), weight), bias);
  });
}
