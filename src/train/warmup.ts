// Warm-ups of a vision encoder that was not trained before, in the place of EVA-CLIP: name what a picture
// shows, or tell its text from those of the batch's other pictures (CLIP, arXiv 2103.00020).
// I pictures, N states of one, C their width.
import tf from '#tfjs';
import {softmaxCrossEntropy} from '../kernels/index.js';

/** Scale of the cosine between a picture's pooled states and a class's vector. */
const COSINE_SCALE = 20;
/** CLIP's bound of the learned factor on the cosines. */
const MAX_CONTRAST_SCALE = 100;

/** The mean of a picture's states, of length 1: [I, N, C] -> [I, C] */
function pooled(states: tf.Tensor3D): tf.Tensor2D {
  return unit(tf.mean(states, 1));
}

function unit(x: tf.Tensor2D): tf.Tensor2D {
  return tf.div(x, tf.add(tf.sqrt(tf.sum(tf.square(x), 1, true)), 1e-6));
}

/** Cross-entropy of a cosine classifier, summed, and how many pictures it names right. */
export function classificationLoss(
  states: tf.Tensor3D,
  classes: tf.Tensor2D,
  labels: readonly number[],
  labelSmoothing: number,
): {loss: tf.Scalar; right: tf.Scalar} {
  const cosine = tf.matMul(pooled(states), unit(classes), false, true);
  const logits = tf.mul(cosine, COSINE_SCALE) as tf.Tensor2D;
  const wanted = tf.tensor1d([...labels], 'int32');
  const hard = tf.sum(softmaxCrossEntropy(logits, wanted)) as tf.Scalar;
  const best = tf.argMax(logits, 1);
  const right = tf.sum(tf.cast(tf.equal(best, wanted), 'float32')) as tf.Scalar;
  if (labelSmoothing === 0) return {loss: hard, right};
  const uniform = tf.neg(tf.sum(tf.mean(tf.logSoftmax(logits), 1)));
  const loss = tf.add(tf.mul(hard, 1 - labelSmoothing), tf.mul(uniform, labelSmoothing));
  return {loss: loss as tf.Scalar, right};
}

/**
 * Symmetric cross-entropy of telling which text goes with which picture, summed over the pictures. Texts
 * are the means of their words' vectors [V, C]; `scale` [1] is the logarithm of the cosines' factor.
 */
export function contrastiveLoss(
  states: tf.Tensor3D,
  words: tf.Tensor2D,
  scale: tf.Tensor1D,
  texts: readonly (readonly number[])[],
): {loss: tf.Scalar; right: tf.Scalar} {
  const means = texts.map((ids) => tf.mean(tf.gather(words, tf.tensor1d([...ids], 'int32')), 0));
  const cosine = tf.matMul(pooled(states), unit(tf.stack(means) as tf.Tensor2D), false, true);
  const factor = tf.minimum(tf.exp(scale), MAX_CONTRAST_SCALE);
  const logits = tf.mul(cosine, factor) as tf.Tensor2D;
  const own = tf.range(0, texts.length, 1, 'int32');
  const loss = tf.add(
    tf.sum(softmaxCrossEntropy(logits, own)),
    tf.sum(softmaxCrossEntropy(tf.transpose(logits), own)),
  );
  const right = tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), own), 'float32')) as tf.Scalar;
  return {loss: tf.div(loss, 2) as tf.Scalar, right};
}
