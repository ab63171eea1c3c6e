import tf from '#tfjs';

/** x · weight / sqrt(mean(x²) + eps) over the last dimension: x [..., C], weight [C] -> [..., C] */
export function rmsNormReference(x: tf.Tensor, weight: tf.Tensor, eps: number): tf.Tensor {
  return tf.tidy(() => {
    const meanSquare = tf.mean(tf.square(x), -1, true);
    return tf.mul(tf.mul(x, tf.rsqrt(tf.add(meanSquare, eps))), weight);
  });
}
