import tf from '#tfjs';

/** x/2 · (1 + erf(x / sqrt 2)): x [...] -> [...]. tfjs's erf on cpu is good to 1.5e-7. */
export function geluReference(x: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)));
}
