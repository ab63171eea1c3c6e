import tf from '#tfjs';
import {checkDtype, checkShape, ShapeError} from '../checkShape.js';
import {ropeReference} from './rope.reference.js';

export const Rope = 'EmuRope';

export interface RopeAttrs extends tf.NamedAttrMap {
  base: number;
  /** Turn back instead of forward: the gradient. */
  isInverse: boolean;
}

/**
 * Rotary position embedding in the rotate-half form of Hugging Face's LLaMA: channel i of a head
 * turns with channel i + D/2 by positions · base^(-2i/D).
 * x [B, T, H, D], positions int32 [B, T] -> [B, T, H, D]
 */
export function rope(x: tf.Tensor4D, positions: tf.Tensor2D, base = 10000): tf.Tensor4D {
  const [batch, seqLen, , headDim] = x.shape;
  if (headDim % 2 !== 0) throw new ShapeError('rope', 'x', 'an even head size', String(headDim));
  checkDtype('rope', 'positions', positions, 'int32');
  checkShape('rope', 'positions', positions.shape, [batch, seqLen]);
  if (!tf.getKernel(Rope, tf.getBackend())) return ropeReference(x, positions, base);
  const attrs: RopeAttrs = {base, isInverse: false};
  return tf.engine().runKernel(Rope, {x, positions}, attrs) as tf.Tensor4D;
}
