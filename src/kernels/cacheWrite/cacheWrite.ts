import tf from '#tfjs';
import {checkShape, ShapeError} from '../checkShape.js';
import {cacheWriteReference} from './cacheWrite.reference.js';

export const CacheWrite = 'EmuCacheWrite';

export interface CacheWriteAttrs extends tf.NamedAttrMap {
  position: number;
}

/**
 * The cache with values in rows 0 .. B-1 at positions position .. position + T - 1:
 * cache [R, S, H, D], values [B, T, H, D] -> [R, S, H, D].
 * Consumes `cache`: it is disposed, and only the result, which may be the same memory, is valid.
 * A cache that outlives a tidy is kept by the caller: `cache = tf.keep(cacheWrite(cache, ...))`.
 * No gradient.
 */
export function cacheWrite(cache: tf.Tensor4D, values: tf.Tensor4D, position: number): tf.Tensor4D {
  const [rows, capacity, numHeads, headDim] = cache.shape;
  checkShape('cacheWrite', 'values', values.shape, ['B', 'T', numHeads, headDim]);
  const [batch, seqLen] = values.shape;
  if (batch > rows) {
    throw new ShapeError('cacheWrite', 'values', `at most ${rows} rows`, String(batch));
  }
  if (!Number.isInteger(position) || position < 0 || position + seqLen > capacity) {
    const end = `${position} to ${position + seqLen}`;
    throw new ShapeError('cacheWrite', 'positions', `0 to ${capacity} (the capacity)`, end);
  }
  const attrs: CacheWriteAttrs = {position};
  const written = tf.getKernel(CacheWrite, tf.getBackend())
    ? (tf.engine().runKernel(CacheWrite, {cache, values}, attrs) as tf.Tensor4D)
    : cacheWriteReference(cache, values, position);
  cache.dispose();
  return written;
}
