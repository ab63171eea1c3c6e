import tf from '#tfjs';

/** A copy of cache [R, S, H, D] with values [B, T, H, D] from `position` on of rows `rowStride` apart. */
export function cacheWriteReference(
  cache: tf.Tensor4D,
  values: tf.Tensor4D,
  position: number,
  rowStride = cache.shape[1],
): tf.Tensor4D {
  return tf.tidy(() => {
    const [rows, capacity, numHeads, headDim] = cache.shape;
    const [batch, seqLen] = values.shape;
    // Along the first axis only, where stock tfjs slices and joins without a loop over elements.
    const old = tf.reshape<tf.Rank.R3>(cache, [rows * capacity, numHeads, headDim]);
    const fresh = tf.reshape<tf.Rank.R3>(values, [batch * seqLen, numHeads, headDim]);
    const parts: tf.Tensor3D[] = [];
    let next = 0; // first position of `old` that is not yet in `parts`
    for (let row = 0; row < batch; row++) {
      const start = row * rowStride + position;
      parts.push(
        tf.slice(old, [next, 0, 0], [start - next, numHeads, headDim]),
        tf.slice(fresh, [row * seqLen, 0, 0], [seqLen, numHeads, headDim]),
      );
      next = start + seqLen;
    }
    parts.push(tf.slice(old, [next, 0, 0], [rows * capacity - next, numHeads, headDim]));
    return tf.reshape(tf.concat(parts, 0), cache.shape);
  });
}
