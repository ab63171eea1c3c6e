import tf from '#tfjs';
import {checkShape, ShapeError} from '../checkShape.js';
import {cacheWriteReference} from './cacheWrite.reference.js';

export const CacheWrite = 'EmuCacheWrite';

export interface CacheWriteAttrs extends tf.NamedAttrMap {
  position: number;
  rowStride: number;
}

/**
 * The cache with the values of sequence b at positions position .. position + T - 1 of the row that begins
 * b · rowStride positions after the first (default S: row b): cache [R, S, H, D], values [B, T, H, D]
 * -> [R, S, H, D].
 * Consumes `cache`: it is disposed, and only the result, which may be the same memory, is valid.
 * A cache that outlives a tidy is kept by the caller: `cache = tf.keep(cacheWrite(cache, ...))`.
 * No gradient.
 */
export function cacheWrite(
  cache: tf.Tensor4D,
  values: tf.Tensor4D,
  position: number,
  rowStride?: number,
): tf.Tensor4D {
  const [rows, capacity, numHeads, headDim] = cache.shape;
  checkShape('cacheWrite', 'values', values.shape, ['B', 'T', numHeads, headDim]);
  const [batch, seqLen] = values.shape;
  if (rowStride === undefined && batch > rows) {
    throw new ShapeError('cacheWrite', 'values', `at most ${rows} rows`, String(batch));
  }
  const stride = rowStride ?? capacity;
  if (batch > 1 && seqLen > stride) {
    throw new ShapeError('cacheWrite', 'values', `at most ${stride} positions`, String(seqLen));
  }
  const room = rowStride === undefined ? capacity : rows * capacity - (batch - 1) * stride;
  if (!Number.isInteger(position) || position < 0 || position + seqLen > room) {
    const end = `${position} to ${position + seqLen}`;
    throw new ShapeError('cacheWrite', 'positions', `0 to ${room} (the capacity)`, end);
  }
  const attrs: CacheWriteAttrs = {position, rowStride: stride};
  const written = tf.getKernel(CacheWrite, tf.getBackend())
    ? (tf.engine().runKernel(CacheWrite, {cache, values}, attrs) as tf.Tensor4D)
    : cacheWriteReference(cache, values, position, stride);
  cache.dispose();
  return written;
}
