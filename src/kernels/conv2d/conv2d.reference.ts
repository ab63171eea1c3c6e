import * as tf from '@tensorflow/tfjs';
import type {Conv2DAttrs} from './conv2d.js';

/** x [B, H, W, Cin], weight [Cout, Cin, kh, kw], bias [Cout] -> [B, Ho, Wo, Cout] */
export function conv2dReference(
  x: tf.Tensor4D,
  weight: tf.Tensor,
  bias: tf.Tensor | undefined,
  {stride, padding, paddingEnd}: Conv2DAttrs,
): tf.Tensor4D {
  return tf.tidy(() => {
    const sides: [number, number] = [padding, paddingEnd];
    const padded = padding + paddingEnd > 0 ? tf.pad(x, [[0, 0], sides, sides, [0, 0]]) : x;
    const filter = tf.transpose(weight, [2, 3, 1, 0]) as tf.Tensor4D; // [kh, kw, Cin, Cout]
    const y = tf.conv2d(padded, filter, stride, 'valid');
    return bias ? tf.add(y, bias) : y;
  });
}
