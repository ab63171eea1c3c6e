import tf from '#tfjs';
import {EmuError} from '../errors.js';
import {isQuantized} from './blocks.js';
import {decode, encodedBytes} from './encoding.js';
import type {Encoding} from './native/addon.js';
import {activeNativeBackend} from './native/nativeBackend.js';
import {addEncodedWeight, encodingOfData} from './tensorflow/encodedWeights.js';
import {TENSORFLOW, type TensorflowBackend} from './tensorflow/tensorflowBackend.js';

export type {Encoding};

/**
 * A tensor over stored bytes; its dtype label is float32. On `native` it stays where it lies, keeps
 * `bytes` alive and is read in place by linear, embedding and matMul; `tensorflow` holds a copy in the same
 * encoding; on `reference` it is decoded to float32.
 * `bytes` must not change afterwards. Throws EmuError when their length is not that of `shape`, or a row
 * (the last dimension) is no whole number of the encoding's blocks.
 */
export function makeWeight(bytes: Uint8Array, encoding: Encoding, shape: number[]): tf.Tensor {
  const expected = encodedBytes(encoding, shape);
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

/**
 * Throws EmuError for a quantized weight: whole numbers have no gradient. What decoded weights hold, on the
 * backends that keep none quantized, is float32 and has one.
 */
export function checkHasGradient(op: string, weight: tf.Tensor): void {
  const encoding = encodingOf(weight);
  if (!isQuantized(encoding)) return;
  throw new EmuError(
    `${op}: a weight in ${encoding} has no gradient; train a LoRA beside it, or the model in f16, bf16 or f32`,
    {code: 'no_gradient'},
  );
}
