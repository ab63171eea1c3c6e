import tf from '#tfjs';
import {ropeTableFor} from './ropeTable.js';

/** x · cos + rotateHalf(x) · sin, rotateHalf([a, b]) = [-b, a]: x [B, T, H, D], positions [B, T] */
export function ropeReference(x: tf.Tensor4D, positions: tf.Tensor2D, base: number): tf.Tensor4D {
  return tf.tidy(() => {
    const [batch, seqLen, numHeads, headDim] = x.shape;
    const half = headDim / 2;
    const table = ropeTableFor(positions.dataSync<'int32'>() as Int32Array, headDim, base);
    const shape: [number, number] = [table.numPositions, half];
    const angleShape = [batch, seqLen, 1, half];
    const cos = tf.reshape(tf.gather(tf.tensor2d(table.cos, shape), positions), angleShape);
    const sin = tf.reshape(tf.gather(tf.tensor2d(table.sin, shape), positions), angleShape);
    const a = tf.slice(x, [0, 0, 0, 0], [batch, seqLen, numHeads, half]);
    const b = tf.slice(x, [0, 0, 0, half], [batch, seqLen, numHeads, half]);
    const turnedA = tf.sub(tf.mul(a, cos), tf.mul(b, sin));
    const turnedB = tf.add(tf.mul(b, cos), tf.mul(a, sin));
    return tf.concat([turnedA, turnedB], 3) as tf.Tensor4D;
  });
}
