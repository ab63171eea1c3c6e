import * as tf from '@tensorflow/tfjs';

/** A copy of cache [R, S, H, D] with values [B, T, H, D] at rows 0 .. B-1 from `position` on. */
export function cacheWriteReference(
  cache: tf.Tensor4D,
  values: tf.Tensor4D,
  position: number,
): tf.Tensor4D {
  return tf.tidy(() => {
    const [rows, capacity, numHeads, headDim] = cache.shape;
    const [batch, seqLen] = values.shape;
    const end = position + seqLen;
    const part = (row: number, numRows: number, start: number, length: number) =>
      tf.slice(cache, [row, start, 0, 0], [numRows, length, numHeads, headDim]);
    const written = tf.concat(
      [part(0, batch, 0, position), values, part(0, batch, end, capacity - end)],
      1,
    );
    return tf.concat([written, part(batch, rows - batch, 0, capacity)], 0);
  });
}
