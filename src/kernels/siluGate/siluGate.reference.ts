import tf from '#tfjs';

/** gate · sigmoid(gate) · up: gate [...], up [...] -> [...] */
export function siluGateReference(gate: tf.Tensor, up: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.mul(tf.mul(gate, tf.sigmoid(gate)), up));
}
