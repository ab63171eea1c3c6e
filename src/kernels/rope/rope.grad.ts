import tf from '#tfjs';
import {Rope, type RopeAttrs} from './rope.js';

// A rotation's transpose turns back by the same angle.
tf.registerGradient({
  kernelName: Rope,
  inputsToSave: ['positions'],
  gradFunc: (dy, saved, attrs) => {
    const [positions] = saved as [tf.Tensor];
    const {base, isInverse} = attrs as RopeAttrs;
    const turnBack: RopeAttrs = {base, isInverse: !isInverse};
    const inputs = {x: dy as tf.Tensor, positions};
    return {x: () => tf.engine().runKernel(Rope, inputs, turnBack) as tf.Tensor};
  },
});
