import tf from '#tfjs';
import {activeNativeBackend} from '../native/nativeBackend.js';

/** Σ x² over all numbers of all tensors; native adds in float64. Its root is the global gradient norm. */
export function sumOfSquares(tensors: readonly tf.Tensor[]): number {
  const native = activeNativeBackend();
  if (!native) return sumOfSquaresReference(tensors);
  return tensors.reduce((total, tensor) => {
    const numbers = native.floats(tensor);
    return total + native.addon.sumOfSquares(numbers, numbers.length);
  }, 0);
}

/** The same from stock ops, with one download for all tensors. */
export function sumOfSquaresReference(tensors: readonly tf.Tensor[]): number {
  if (tensors.length === 0) return 0;
  return tf.tidy(() => {
    const sums = tf.stack(tensors.map((tensor) => tf.sum(tf.square(tensor))));
    return (sums.dataSync() as Float32Array).reduce((total, value) => total + value, 0);
  });
}
