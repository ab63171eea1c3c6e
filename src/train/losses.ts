// The one objective (paper 2.2): the next token where the label is text, the next visual embedding
// where it is a picture. B sequences, T tokens, C hidden size, V vocabulary.
// Official code: models/modeling_llama.py builds both masks; the regression itself was not released.
import tf from '#tfjs';
import {embedding, softmaxCrossEntropy} from '../kernels/index.js';
import type {Llama} from '../model/llama.js';
import {countLabels, IGNORE} from './data/labels.js';

/** x, as a constant: no gradient flows through it. */
const detach = tf.customGrad((x) => ({
  value: tf.clone(x as tf.Tensor),
  gradFunc: (dy: tf.Tensor) => [tf.zerosLike(dy)],
}));

/**
 * Cross-entropy of the next token, summed over all labels that are not -100 and divided by `total`: the
 * count in these rows (so the mean), or in a larger batch that they are a part of.
 * hidden [B, T, C], labels B rows of T. Only those positions reach the V-wide head.
 */
export function captioningLoss(
  llama: Llama,
  hidden: tf.Tensor3D,
  labels: readonly (readonly number[])[],
  total = countLabels(labels),
): tf.Scalar {
  return tf.tidy(() => {
    const [batch, seqLen, size] = hidden.shape;
    const from: number[] = [];
    const targets: number[] = [];
    for (const [b, row] of labels.entries())
      for (let t = 0; t + 1 < row.length; t++)
        if (row[t + 1] !== IGNORE) {
          from.push(b * seqLen + t);
          targets.push(row[t + 1]!);
        }
    if (targets.length === 0) return tf.scalar(0);
    const rows = embedding(tf.tensor1d(from, 'int32'), tf.reshape(hidden, [batch * seqLen, size]));
    const losses = softmaxCrossEntropy(
      llama.logits(rows as tf.Tensor2D),
      tf.tensor1d(targets, 'int32'),
    );
    return tf.div(tf.sum(losses), total);
  });
}

/** How the squared error of a visual embedding becomes one number: over its dimensions. */
export type Reduction = 'mean' | 'sum';

/**
 * (predicted - next visual embedding)², the targets detached; summed or averaged over the dimensions,
 * summed over the pairs and divided by `total`: their count here, or in a larger batch.
 * hidden and inputsEmbeds [B, T, C]; n_causal + 1 pairs a picture.
 */
export function regressionLoss(
  llama: Llama,
  hidden: tf.Tensor3D,
  inputsEmbeds: tf.Tensor3D,
  pairs: {readonly from: readonly number[]; readonly to: readonly number[]},
  {total = pairs.from.length, reduction = 'mean' as Reduction} = {},
): tf.Scalar {
  return tf.tidy(() => {
    if (pairs.from.length === 0) return tf.scalar(0);
    const [batch, seqLen, size] = hidden.shape;
    const pick = (x: tf.Tensor3D, positions: readonly number[]) =>
      embedding(tf.tensor1d([...positions], 'int32'), tf.reshape(x, [batch * seqLen, size]));
    const predicted = llama.regress(pick(hidden, pairs.from));
    const target = pick(detach(inputsEmbeds) as tf.Tensor3D, pairs.to);
    const error = tf.sum(tf.square(tf.sub(predicted, target)));
    return tf.div(error, reduction === 'mean' ? total * size : total);
  });
}
