// Initial weights of an image decoder trained from nothing.
import tf from '#tfjs';
import type {Random} from '../random.js';

/**
 * The initial value of a UNet's or autoencoder's weight. Linears and convolutions keep their inputs' spread;
 * `isResidual`: the last convolution of each residual branch, and of the UNet, is 0, so that each starts as the
 * identity and the prediction as 0 (arXiv 2105.05233).
 */
export function initialDecoderWeight(
  name: string,
  shape: readonly number[],
  random: Random,
  {isResidual}: {readonly isResidual: boolean},
): tf.Tensor {
  const size = [...shape];
  if (/norm\w*\.weight$/.test(name)) return tf.ones(size);
  const isLast = /(^|\.)(conv2|proj_out|conv_out)\.weight$/.test(name);
  if (name.endsWith('bias') || (isResidual && isLast)) return tf.zeros(size);
  const fanIn = shape.slice(1).reduce((product, n) => product * n, 1);
  const values = Float32Array.from(
    {length: fanIn * shape[0]!},
    () => random.normal() / Math.sqrt(fanIn),
  );
  return tf.tensor(values, size);
}
