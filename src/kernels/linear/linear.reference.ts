import tf from '#tfjs';

/** x Wᵀ + b over the last dimension: x [..., K], weight [N, K], bias [N] -> [..., N] */
export function linearReference(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const [size, inputSize] = weight.shape as [number, number];
    const flat = tf.reshape(x, [-1, inputSize]);
    const product = tf.matMul(flat, weight as tf.Tensor2D, false, true);
    const shape = [...x.shape.slice(0, -1), size];
    return tf.reshape(bias ? tf.add(product, bias) : product, shape);
  });
}
