import tf from '#tfjs';
import {GroupNorm, type GroupNormAttrs} from './groupNorm.js';

export const GroupNormGrad = 'EmuGroupNormGrad';

// The derivation stands at groupNormGrad in groupNorm.simd.cc.
tf.registerGradient({
  kernelName: GroupNorm,
  inputsToSave: ['x', 'weight', 'bias'],
  outputsToSave: [false, true, true],
  gradFunc: (dys, saved, attrs) => {
    const [x, weight, bias, mean, inverseStd] = saved as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const inputs = {x, weight, bias, mean, inverseStd, dy: (dys as tf.Tensor[])[0]!};
    const outputs = tf.engine().runKernel(GroupNormGrad, inputs, attrs as GroupNormAttrs);
    const [dx, dWeight, dBias] = outputs as [tf.Tensor, tf.Tensor, tf.Tensor];
    return {x: () => dx, weight: () => dWeight, bias: () => dBias};
  },
});
