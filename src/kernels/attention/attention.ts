// B sequences, T queries, S positions that the cache holds, S' = numKeys of them filled, R cache
// rows, H heads, D head size
import tf from '#tfjs';
import {checkDtype, checkShape, ShapeError} from '../checkShape.js';
import {attentionReference} from './attention.reference.js';

export const Attention = 'EmuAttention';

export interface AttentionOptions {
  /** What q · k is multiplied by: 1/sqrt(D) in most models, 1 in T5. */
  readonly scale: number;
  /** Query t sees keys s <= numKeys - T + t: the last query sees all. */
  readonly isCausal?: boolean | undefined;
  /** Only the first numKeys positions of k and v exist; default S. */
  readonly numKeys?: number | undefined;
  /** Added to the scaled scores: [1 or B, H, T, S']. */
  readonly bias?: tf.Tensor | undefined;
  /**
   * int32 [B]: sequence b sees no key before keyStart[b] (left padding); or [B, T]: its query t none before
   * keyStart[b, t] (several documents in a row).
   */
  readonly keyStart?: tf.Tensor | undefined;
  /** int32 [B]: sequence b sees no key at or after keyEnd[b] (right padding). */
  readonly keyEnd?: tf.Tensor | undefined;
  /**
   * int32 [B, S']: the row of k and v that holds position s of sequence b; default row b. A position beyond S
   * counts on into the rows after it: rows that overlap, as a cache of one long row and short branches has them.
   */
  readonly cacheRows?: tf.Tensor | undefined;
}

/** Inputs that an attention may have beside q, k and v, in the order in which they are passed. */
export const optionalInputs = ['bias', 'keyStart', 'keyEnd', 'cacheRows'] as const;
export type OptionalInput = (typeof optionalInputs)[number];

export interface AttentionAttrs extends tf.NamedAttrMap {
  scale: number;
  isCausal: boolean;
  numKeys: number;
  /** Which optional inputs follow q, k and v: tfjs saves a varying set of inputs only as a list. */
  extras: OptionalInput[];
}

/**
 * softmax(scale · q kᵀ + bias) v per head: q [B, T, H, D], k and v [R, S, H, D] -> [B, T, H, D].
 * A query that sees no key gives 0. Beams share a prefix and reorder through cacheRows without
 * copying the cache. Gradients for q, k, v and bias, except with cacheRows.
 */
export function attention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  options: AttentionOptions,
): tf.Tensor4D {
  const attrs = checkAttention(q, k, v, options);
  if (!tf.getKernel(Attention, tf.getBackend())) return attentionReference(q, k, v, options);
  const inputs = [q, k, v, ...attrs.extras.map((name) => options[name] as tf.Tensor)];
  // The second output, the log of each softmax's sum, is what the backward kernel needs.
  const outputs = tf.engine().runKernel(Attention, inputs as unknown as tf.NamedTensorMap, attrs);
  const [out, logSumExp] = outputs as [tf.Tensor4D, tf.Tensor];
  logSumExp.dispose();
  return out;
}

function checkAttention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  options: AttentionOptions,
): AttentionAttrs {
  const {scale, isCausal = false, numKeys, bias, cacheRows} = options;
  const op = 'attention';
  const [batch, seqLen, numHeads, headDim] = q.shape;
  checkShape(op, 'k', k.shape, ['R', 'S', numHeads, headDim]);
  checkShape(op, 'v', v.shape, k.shape);
  const [rows, capacity] = k.shape;
  const keys = numKeys ?? capacity;
  const most = cacheRows ? rows * capacity : capacity;
  if (keys < 1 || keys > most) {
    throw new ShapeError(op, 'numKeys', `1 to ${most}`, String(keys));
  }
  if (!cacheRows && rows < batch) {
    throw new ShapeError(op, 'k', `at least ${batch} rows`, String(rows));
  }
  if (bias) {
    checkShape(op, 'bias', bias.shape, [bias.shape[0] === 1 ? 1 : batch, numHeads, seqLen, keys]);
  }
  for (const name of ['keyStart', 'keyEnd'] as const) {
    const bound = options[name];
    if (!bound) continue;
    const isPerQuery = name === 'keyStart' && bound.shape.length === 2;
    checkShape(op, name, bound.shape, isPerQuery ? [batch, seqLen] : [batch]);
    checkDtype(op, name, bound, 'int32');
  }
  if (cacheRows) {
    checkShape(op, 'cacheRows', cacheRows.shape, [batch, keys]);
    checkDtype(op, 'cacheRows', cacheRows, 'int32');
  }
  const extras = optionalInputs.filter((name) => options[name]);
  return {scale, isCausal, numKeys: keys, extras};
}
