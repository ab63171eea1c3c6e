import tf from '#tfjs';

/** -Σ oneHot(label) · logSoftmax(logits), 0 for ignored labels: logits [N, V], labels [N] -> [N] */
export function softmaxCrossEntropyReference(
  logits: tf.Tensor,
  labels: tf.Tensor,
  ignoreIndex: number,
): tf.Tensor1D {
  return tf.tidy(() => {
    const ignored = tf.equal(labels, tf.scalar(ignoreIndex, 'int32'));
    // oneHot of -1 is a row of zeros.
    const shown = tf.where(ignored, tf.fill(labels.shape, -1, 'int32'), labels);
    const target = tf.oneHot(tf.cast(shown, 'int32'), logits.shape[1]!);
    const losses = tf.sum(tf.mul(tf.cast(target, 'float32'), tf.logSoftmax(logits)), 1);
    return tf.neg(losses) as tf.Tensor1D;
  });
}
