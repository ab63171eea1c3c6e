import tf from '#tfjs';
import {SoftmaxCrossEntropy} from './softmaxCrossEntropy.js';

export const SoftmaxCrossEntropyGrad = 'EmuSoftmaxCrossEntropyGrad';

// dLogits = dy (softmax(logits) - oneHot(label)), softmax = e^(logits - logSumExp); 0 where ignored.
tf.registerGradient({
  kernelName: SoftmaxCrossEntropy,
  inputsToSave: ['logits', 'labels'],
  outputsToSave: [false, true],
  gradFunc: (dy, saved, attrs) => {
    const [logits, labels, logSumExp] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
    const [dLosses] = dy as tf.Tensor[];
    const inputs = {logits, labels, logSumExp, dy: dLosses!};
    const dLogits = tf.engine().runKernel(SoftmaxCrossEntropyGrad, inputs, attrs) as tf.Tensor;
    return {logits: () => dLogits};
  },
});
