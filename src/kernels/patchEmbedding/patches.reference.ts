import tf from '#tfjs';

/** Cuts pictures into squares, channel first: pixels [B, C, H, W] -> [B, (H/P)·(W/P), C·P·P] */
export function patchesReference(pixels: tf.Tensor4D, patchSize: number): tf.Tensor3D {
  return tf.tidy(() => {
    const [batch, channels, height, width] = pixels.shape;
    const rows = height / patchSize;
    const columns = width / patchSize;
    const cut = tf.reshape(pixels, [batch, channels, rows, patchSize, columns, patchSize]);
    const ordered = tf.transpose(cut, [0, 2, 4, 1, 3, 5]);
    return tf.reshape(ordered, [batch, rows * columns, channels * patchSize * patchSize]);
  });
}
