import tf from '#tfjs';
import {checkHasGradient} from '../weight.js';
import {Linear} from './linear.js';

// y = x Wᵀ + b, rows of x independent:  dx = dy W,  dW = dyᵀ x,  db = sum of dy's rows.
// matMul reads a weight in its encoding; the gradient of a weight is float32 whatever that is, and a quantized
// weight has none.
tf.registerGradient({
  kernelName: Linear,
  inputsToSave: ['x', 'weight'],
  gradFunc: (dy, saved) => {
    const [x, weight] = saved as [tf.Tensor, tf.Tensor2D];
    const [size, inputSize] = weight.shape;
    const dyRows = tf.reshape(dy as tf.Tensor, [-1, size]) as tf.Tensor2D;
    return {
      x: () => tf.reshape(tf.matMul(dyRows, weight), x.shape),
      weight: () => {
        checkHasGradient('linear', weight);
        return tf.matMul(dyRows, tf.reshape(x, [-1, inputSize]), true);
      },
      bias: () => tf.sum(dyRows, 0),
    };
  },
});
