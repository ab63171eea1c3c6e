import tf from '#tfjs';
import {EmuError} from '../errors.js';
import {decode} from './encoding.js';
import {type Encoding, encodingBytes} from './native/addon.js';
import {activeNativeBackend} from './native/nativeBackend.js';

export type {Encoding};

/**
 * A tensor over stored bytes; its dtype label is float32. On `native` it stays where it lies, keeps
 * `bytes` alive and is read in place by linear, embedding and matMul; elsewhere it is decoded to float32.
 * `bytes` must not change afterwards. Throws when their length is not that of `shape`.
 */
export function makeWeight(bytes: Uint8Array, encoding: Encoding, shape: number[]): tf.Tensor {
  const expected = shape.reduce((product, size) => product * size, encodingBytes[encoding]);
  if (bytes.byteLength !== expected) {
    throw new EmuError(
      `makeWeight: expected ${expected} bytes for ${encoding} [${shape}], got ${bytes.byteLength}`,
      {code: 'bad_weight'},
    );
  }
  const native = activeNativeBackend();
  if (!native) return tf.tensor(decode(bytes, encoding), shape, 'float32');
  return tf.engine().makeTensorFromTensorInfo(native.addWeight(bytes, encoding, shape));
}

/** How a tensor's numbers are stored. */
export function encodingOf(tensor: tf.Tensor): Encoding {
  return activeNativeBackend()?.encoding(tensor) ?? 'f32';
}
