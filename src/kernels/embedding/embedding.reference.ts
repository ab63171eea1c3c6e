import tf from '#tfjs';

/**
 * table[ids]: ids int32 [...], table [V, C] -> [..., C]. The gradient is stated here because the
 * stock one of `gather` compares every row number with every id, V times the work.
 */
export function embeddingReference(ids: tf.Tensor, table: tf.Tensor): tf.Tensor {
  const shape = table.shape as [number, number];
  const lookUp = tf.customGrad((rows, save) => {
    (save as tf.GradSaveFunc)([ids]);
    return {
      value: tf.gather(rows as tf.Tensor, ids),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const flatIds = tf.reshape(saved[0]!, [-1, 1]);
        return tf.scatterND(flatIds, tf.reshape(dy, [-1, shape[1]]), shape);
      },
    };
  });
  return lookUp(table);
}
