import tf from '#tfjs';
import {geluReference} from './gelu.reference.js';

export const Gelu = 'EmuGelu';

/** x · Φ(x), the erf form (not the tanh approximation): x [...] -> [...] */
export function gelu<T extends tf.Tensor>(x: T): T {
  if (!tf.getKernel(Gelu, tf.getBackend())) return geluReference(x) as T;
  return tf.engine().runKernel(Gelu, {x}) as T;
}
