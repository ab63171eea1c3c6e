import tf from '#tfjs';
import {Gelu} from './gelu.js';

export const GeluGrad = 'EmuGeluGrad';

// d(x Φ(x))/dx = Φ(x) + x φ(x), where φ is the density of the standard normal.
tf.registerGradient({
  kernelName: Gelu,
  inputsToSave: ['x'],
  gradFunc: (dy, saved) => {
    const [x] = saved as [tf.Tensor];
    return {x: () => tf.engine().runKernel(GeluGrad, {x, dy: dy as tf.Tensor}) as tf.Tensor};
  },
});
