// B sequences, T queries, S' keys, R cache rows, H heads, D head size
import tf from '#tfjs';
import type {AttentionOptions} from './attention.js';

/** softmax(scale · q kᵀ + bias, masked) v: q [B, T, H, D], k and v [R, S, H, D] -> [B, T, H, D] */
export function attentionReference(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  options: AttentionOptions,
): tf.Tensor4D {
  return tf.tidy(() => {
    const [batch] = q.shape;
    const numKeys = options.numKeys ?? k.shape[1];
    const keys = visibleRows(k, batch, numKeys, options.cacheRows); // [B, S', H, D]
    const values = visibleRows(v, batch, numKeys, options.cacheRows);
    // Of q and of the scores, q is the smaller one to scale.
    const scaled = tf.mul(byHead(q), options.scale);
    let scores: tf.Tensor = tf.matMul(scaled, byHead(keys), false, true);
    if (options.bias) scores = tf.add(scores, options.bias);
    const mask = attentionMask(q, numKeys, options); // [B, 1, T, S']
    if (!mask) return byHead(tf.matMul(softmax(scores), byHead(values)) as tf.Tensor4D);
    scores = tf.where(tf.broadcastTo(mask, scores.shape), scores, tf.fill(scores.shape, -1e30));
    // The product changes only queries that see no key, whose softmax is uniform: they give 0.
    const probabilities = tf.mul(softmax(scores), tf.cast(mask, 'float32'));
    return byHead(tf.matMul(probabilities, byHead(values)) as tf.Tensor4D);
  });
}

/** [B, T, H, D] <-> [B, H, T, D] */
const byHead = (x: tf.Tensor4D) => tf.transpose(x, [0, 2, 1, 3]);

/** The first numKeys positions of each sequence: cache [R, S, H, D] -> [B, S', H, D] */
function visibleRows(
  cache: tf.Tensor4D,
  batch: number,
  numKeys: number,
  cacheRows: tf.Tensor | undefined,
): tf.Tensor4D {
  const [rows, capacity, numHeads, headDim] = cache.shape;
  if (!cacheRows) {
    return tf.slice(cache, [0, 0, 0, 0], [batch, numKeys, numHeads, headDim]);
  }
  const flat = tf.reshape(cache, [rows * capacity, numHeads, headDim]);
  const positions = tf.range(0, numKeys, 1, 'int32');
  const index = tf.add(tf.mul(cacheRows, tf.scalar(capacity, 'int32')), positions);
  return tf.gather(flat, index) as tf.Tensor4D;
}

/** bool [B, 1, T, S']: which keys each query sees; none: all of them */
function attentionMask(
  q: tf.Tensor4D,
  numKeys: number,
  {isCausal = false, keyStart, keyEnd}: AttentionOptions,
): tf.Tensor | undefined {
  if (!isCausal && !keyStart && !keyEnd) return undefined;
  const [batch, seqLen] = q.shape;
  const s = tf.reshape(tf.range(0, numKeys, 1, 'int32'), [1, 1, 1, numKeys]);
  const perRow = (bound: tf.Tensor) =>
    tf.reshape(bound, [batch, 1, bound.shape.length === 2 ? seqLen : 1, 1]);
  let mask: tf.Tensor = tf.ones([batch, 1, seqLen, numKeys], 'bool');
  if (isCausal) {
    const last = tf.range(numKeys - seqLen, numKeys, 1, 'int32');
    mask = tf.logicalAnd(mask, tf.lessEqual(s, tf.reshape(last, [1, 1, seqLen, 1])));
  }
  if (keyStart) mask = tf.logicalAnd(mask, tf.greaterEqual(s, perRow(keyStart)));
  if (keyEnd) mask = tf.logicalAnd(mask, tf.less(s, perRow(keyEnd)));
  return mask;
}

/** Over the last dimension; of a matrix, for which tfjs's cpu takes half the time. */
function softmax(scores: tf.Tensor): tf.Tensor {
  return tf.reshape(tf.softmax(tf.reshape(scores, [-1, scores.shape.at(-1)!])), scores.shape);
}
