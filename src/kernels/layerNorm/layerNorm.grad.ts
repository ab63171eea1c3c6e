import tf from '#tfjs';
import {LayerNorm} from './layerNorm.js';

export const LayerNormGrad = 'EmuLayerNormGrad';

// With r = 1/sqrt(variance + eps), h = (x - mean) r and g = dy · weight:
// dx = r (g - mean(g) - h mean(g h)), dWeight = Σ dy h, dBias = Σ dy.
tf.registerGradient({
  kernelName: LayerNorm,
  inputsToSave: ['x', 'weight'],
  gradFunc: (dy, saved, attrs) => {
    const [x, weight] = saved as [tf.Tensor, tf.Tensor];
    const inputs = {x, weight, dy: dy as tf.Tensor};
    const results = tf.engine().runKernel(LayerNormGrad, inputs, attrs);
    const [dx, dWeight, dBias] = results as [tf.Tensor, tf.Tensor, tf.Tensor];
    return {x: () => dx, weight: () => dWeight, bias: () => dBias};
  },
});
