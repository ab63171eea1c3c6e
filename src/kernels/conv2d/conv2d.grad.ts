import tf from '#tfjs';
import {checkHasGradient} from '../weight.js';
import {Conv2D, type Conv2DAttrs} from './conv2d.js';

export const Conv2DInputGrad = 'EmuConv2DInputGrad';
export const Conv2DWeightGrad = 'EmuConv2DWeightGrad';

export interface Conv2DInputGradAttrs extends Conv2DAttrs {
  /** H and W of the input, which the stride may have rounded away. */
  height: number;
  width: number;
}

export interface Conv2DWeightGradAttrs extends Conv2DAttrs {
  kernelHeight: number;
  kernelWidth: number;
}

// y[o] = Σ_t x[o · stride + t - padding] W[t]: dx is a convolution of dy with the taps mirrored, dW[t] the
// product of x, shifted by the tap t, with dy over all outputs.
tf.registerGradient({
  kernelName: Conv2D,
  inputsToSave: ['x', 'weight'],
  gradFunc: (dy, saved, attrs) => {
    const [x, weight] = saved as [tf.Tensor4D, tf.Tensor4D];
    const {stride, padding, paddingEnd} = attrs as Conv2DAttrs;
    const own = {stride, padding, paddingEnd};
    const [, height, width] = x.shape;
    const [, , kernelHeight, kernelWidth] = weight.shape;
    const inputAttrs: Conv2DInputGradAttrs = {...own, height, width};
    const weightAttrs: Conv2DWeightGradAttrs = {...own, kernelHeight, kernelWidth};
    const gradient = dy as tf.Tensor;
    return {
      x: () =>
        tf.engine().runKernel(Conv2DInputGrad, {dy: gradient, weight}, inputAttrs) as tf.Tensor,
      weight: () => {
        checkHasGradient('conv2d', weight);
        return tf.engine().runKernel(Conv2DWeightGrad, {x, dy: gradient}, weightAttrs);
      },
      bias: () => tf.sum(gradient, [0, 1, 2]),
    };
  },
});
