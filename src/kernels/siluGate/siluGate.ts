import tf from '#tfjs';
import {checkShape} from '../checkShape.js';
import {siluGateReference} from './siluGate.reference.js';

export const SiluGate = 'EmuSiluGate';

/** silu(gate) · up, the middle of LLaMA's MLP: gate [...], up [...] -> [...] */
export function siluGate<T extends tf.Tensor>(gate: T, up: T): T {
  checkShape('siluGate', 'up', up.shape, gate.shape);
  if (!tf.getKernel(SiluGate, tf.getBackend())) return siluGateReference(gate, up) as T;
  return tf.engine().runKernel(SiluGate, {gate, up}) as T;
}
