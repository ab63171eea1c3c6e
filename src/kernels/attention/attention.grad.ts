import tf from '#tfjs';
import {Attention, type AttentionAttrs} from './attention.js';

export const AttentionGrad = 'EmuAttentionGrad';

// With P = softmax(scale q kᵀ + bias) and r = Σ_d dy out per query: dv = Pᵀ dy, dP = dy vᵀ,
// dS = P (dP - r), dq = scale dS k, dk = scale dSᵀ q, dBias = dS (summed over a shared batch).
// The kernel takes its inputs as a list: out, logSumExp, dy, then those of the forward direction.
tf.registerGradient({
  kernelName: Attention,
  saveAllInputs: true,
  outputsToSave: [true, true],
  gradFunc: (dys, saved, attrs) => {
    const {extras} = attrs as AttentionAttrs;
    if (extras.includes('cacheRows')) {
      throw new Error('attention: there is no gradient with cacheRows; train without a cache');
    }
    const forward = saved.slice(0, -2);
    const [out, logSumExp] = saved.slice(-2) as [tf.Tensor, tf.Tensor];
    const [dy] = dys as tf.Tensor[];
    const inputs = [out, logSumExp, dy!, ...forward] as unknown as tf.NamedTensorMap;
    const gradients = tf.engine().runKernel(AttentionGrad, inputs, attrs) as tf.Tensor[];
    // By the position of the input in the forward list; keyStart and keyEnd have none.
    return Object.fromEntries(gradients.map((gradient, i) => [i, () => gradient]));
  },
});
