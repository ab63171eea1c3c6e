// tfjs's own gradient, but that a quantized matrix has none.
import tf from '#tfjs';
import {checkHasGradient} from '../weight.js';

const stock = tf.getGradient('BatchMatMul');

tf.registerGradient({
  ...stock,
  gradFunc: (dy, saved, attrs) => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    const gradients = stock.gradFunc(dy, saved, attrs);
    const checked = (name: string, matrix: tf.Tensor) => () => {
      checkHasGradient('matMul', matrix);
      return gradients[name]!();
    };
    return {a: checked('a', a), b: checked('b', b)};
  },
});
