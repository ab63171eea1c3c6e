import tf from '#tfjs';
import {RmsNorm} from './rmsNorm.js';

export const RmsNormGrad = 'EmuRmsNormGrad';

// With r = 1/sqrt(mean(x²) + eps), h = x r and g = dy · weight:
// dx = r (g - h mean(g h)), dWeight = Σ dy h.
tf.registerGradient({
  kernelName: RmsNorm,
  inputsToSave: ['x', 'weight'],
  gradFunc: (dy, saved, attrs) => {
    const [x, weight] = saved as [tf.Tensor, tf.Tensor];
    const inputs = {x, weight, dy: dy as tf.Tensor};
    const results = tf.engine().runKernel(RmsNormGrad, inputs, attrs);
    const [dx, dWeight] = results as [tf.Tensor, tf.Tensor];
    return {x: () => dx, weight: () => dWeight};
  },
});
