import tf from '#tfjs';
import {SiluGate} from './siluGate.js';

export const SiluGateGrad = 'EmuSiluGateGrad';

// With s = sigmoid(gate): dUp = dy gate s, dGate = dy up (s + gate s (1 - s)).
tf.registerGradient({
  kernelName: SiluGate,
  inputsToSave: ['gate', 'up'],
  gradFunc: (dy, saved) => {
    const [gate, up] = saved as [tf.Tensor, tf.Tensor];
    const inputs = {gate, up, dy: dy as tf.Tensor};
    const [dGate, dUp] = tf.engine().runKernel(SiluGateGrad, inputs) as [tf.Tensor, tf.Tensor];
    return {gate: () => dGate, up: () => dUp};
  },
});
