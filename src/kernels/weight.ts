import tf from '#tfjs';
import {EmuError} from '../errors.js';
import {decode} from './encoding.js';
import {type Encoding, encodingBytes} from './native/addon.js';
import {activeNativeBackend} from './native/nativeBackend.js';
import {addEncodedWeight, encodingOfData} from './tensorflow/encodedWeights.js';
import {TENSORFLOW, type TensorflowBackend} from './tensorflow/tensorflowBackend.js';

export type {Encoding};

/**
 * A tensor over stored bytes; its dtype label is float32. On `native` it stays where it lies, keeps
 * `bytes` alive and is read in place by linear, embedding and matMul; `tensorflow` holds a copy in the same
 * encoding; on `reference` it is decoded to float32.
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
  if (native) return tf.engine().makeTensorFromTensorInfo(native.addWeight(bytes, encoding, shape));
  // Vectors are read by many ops, and are small.
  if (tf.getBackend() !== TENSORFLOW || encoding === 'f32' || shape.length < 2)
    return tf.tensor(decode(bytes, encoding), shape, 'float32');
  const backend = tf.backend() as TensorflowBackend;
  return tf.engine().makeTensorFromTensorInfo(addEncodedWeight(backend, bytes, encoding, shape));
}

/** How a tensor's numbers are stored. */
export function encodingOf(tensor: tf.Tensor): Encoding {
  return activeNativeBackend()?.encoding(tensor) ?? encodingOfData(tensor);
}
