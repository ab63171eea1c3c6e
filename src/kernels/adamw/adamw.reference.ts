import tf from '#tfjs';
import type {AdamwAttrs} from './adamw.js';

/** The next [parameter, m, v], all of one shape; the formulas stand at `adamwStep`. */
export function adamwReference(
  parameter: tf.Tensor,
  m: tf.Tensor,
  v: tf.Tensor,
  grad: tf.Tensor,
  {beta1, beta2, eps, decay, rate, correction, scale}: AdamwAttrs,
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  return tf.tidy(() => {
    const g = scale === 1 ? grad : tf.mul(grad, scale);
    const nextM = tf.add(m, tf.mul(tf.sub(g, m), 1 - beta1));
    const nextV = tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2));
    const denominator = tf.add(tf.mul(tf.sqrt(nextV), correction), eps);
    const decayed = tf.mul(parameter, decay);
    return [tf.sub(decayed, tf.mul(tf.div(nextM, denominator), rate)), nextM, nextV];
  });
}
