import type tf from '#tfjs';
import {encode} from '../kernels/encoding.js';
import type {TensorToWrite} from '../weights/safetensors.js';
import type {FloatEncoding} from '../weights/tensorsToWrite.js';

/** Trained values to write, encoded when it is their turn. */
export function encodedTensors(
  values: ReadonlyMap<string, tf.Tensor>,
  encoding: FloatEncoding,
): TensorToWrite[] {
  return [...values].map(([name, tensor]) => ({
    name,
    shape: tensor.shape,
    encoding,
    data: () => encode(tensor.dataSync() as Float32Array, encoding),
  }));
}
