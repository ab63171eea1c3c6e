import tf from '#tfjs';
import {checkDtype, checkShape, ShapeError} from '../checkShape.js';
import {softmaxCrossEntropyReference} from './softmaxCrossEntropy.reference.js';

export const SoftmaxCrossEntropy = 'EmuSoftmaxCrossEntropy';

export interface SoftmaxCrossEntropyAttrs extends tf.NamedAttrMap {
  ignoreIndex: number;
}

/**
 * -log softmax(logits)[label] per row, 0 where the label is ignoreIndex:
 * logits [N, V], labels int32 [N] -> [N]. Throws ShapeError on any other label outside [0, V).
 */
export function softmaxCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  ignoreIndex = -100,
): tf.Tensor1D {
  checkShape('softmaxCrossEntropy', 'logits', logits.shape, ['N', 'V']);
  const [numRows, vocabSize] = logits.shape as [number, number];
  checkShape('softmaxCrossEntropy', 'labels', labels.shape, [numRows]);
  checkDtype('softmaxCrossEntropy', 'labels', labels, 'int32');
  for (const label of labels.dataSync<'int32'>()) {
    if (label !== ignoreIndex && (label < 0 || label >= vocabSize)) {
      const expected = `values in [0, ${vocabSize}) or ${ignoreIndex}`;
      throw new ShapeError('softmaxCrossEntropy', 'labels', expected, String(label));
    }
  }
  if (!tf.getKernel(SoftmaxCrossEntropy, tf.getBackend())) {
    return softmaxCrossEntropyReference(logits, labels, ignoreIndex);
  }
  const attrs: SoftmaxCrossEntropyAttrs = {ignoreIndex};
  // The second output, the log of each row's sum of e^logit, is what the backward kernel needs.
  const outputs = tf.engine().runKernel(SoftmaxCrossEntropy, {logits, labels}, attrs);
  const [losses, logSumExp] = outputs as [tf.Tensor1D, tf.Tensor1D];
  logSumExp.dispose();
  return losses;
}
