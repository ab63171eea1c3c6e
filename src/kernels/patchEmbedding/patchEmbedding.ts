import tf from '#tfjs';
import {checkShape, ShapeError} from '../checkShape.js';
import {linear} from '../linear/linear.js';
import {patchesReference} from './patches.reference.js';

export const Patches = 'EmuPatches';

export interface PatchesAttrs extends tf.NamedAttrMap {
  patchSize: number;
}

/** Cuts pictures into squares, channel first: pixels [B, C, H, W] -> [B, (H/P)·(W/P), C·P·P] */
export function patches(pixels: tf.Tensor4D, patchSize: number): tf.Tensor3D {
  const [, , height, width] = pixels.shape;
  if (height % patchSize !== 0 || width % patchSize !== 0) {
    const expected = `height and width that ${patchSize} divides`;
    throw new ShapeError('patches', 'pixels', expected, `${height} x ${width}`);
  }
  if (!tf.getKernel(Patches, tf.getBackend())) return patchesReference(pixels, patchSize);
  const attrs: PatchesAttrs = {patchSize};
  return tf.engine().runKernel(Patches, {pixels}, attrs) as tf.Tensor3D;
}

/**
 * A convolution whose stride is its kernel size, as one matrix product:
 * pixels [B, 3, H, W], weight [C, 3, P, P], bias [C] -> [B, (H/P)·(W/P), C], patches row by row.
 */
export function patchEmbedding(
  pixels: tf.Tensor4D,
  weight: tf.Tensor,
  bias: tf.Tensor,
): tf.Tensor3D {
  const [, channels] = pixels.shape;
  const patchSize = weight.shape.at(-1) ?? 1;
  checkShape('patchEmbedding', 'weight', weight.shape, ['C', channels, patchSize, patchSize]);
  const size = weight.shape[0]!;
  checkShape('patchEmbedding', 'bias', bias.shape, [size]);
  return tf.tidy(() => {
    const matrix = tf.reshape(weight, [size, channels * patchSize * patchSize]);
    return linear(
      patches(pixels, patchSize),
      matrix as tf.Tensor2D,
      bias as tf.Tensor1D,
    ) as tf.Tensor3D;
  });
}
