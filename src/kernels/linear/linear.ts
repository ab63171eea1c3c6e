import tf from '#tfjs';
import {checkShape, lastDim} from '../checkShape.js';
import {linearReference} from './linear.reference.js';

export const Linear = 'EmuLinear';

/** x Wᵀ + b over the last dimension: x [..., K], weight [N, K] of any encoding, bias [N] -> [..., N] */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  checkShape('linear', 'weight', weight.shape, ['N', lastDim('linear', 'x', x)]);
  if (bias) checkShape('linear', 'bias', bias.shape, [weight.shape[0]!]);
  if (!tf.getKernel(Linear, tf.getBackend())) return linearReference(x, weight, bias);
  const inputs: tf.NamedTensorMap = bias ? {x, weight, bias} : {x, weight};
  return tf.engine().runKernel(Linear, inputs);
}
