// Tensors of a checkpoint on their way into another file.
import {encode} from '../kernels/encoding.js';
import type {Checkpoint} from './checkpoint.js';
import {decodeFloat32} from './decode.js';
import type {TensorToWrite} from './safetensors.js';
import type {StoredTensor} from './storedTensor.js';

/** What weights are written in. */
export type FloatEncoding = 'f32' | 'f16' | 'bf16';

/** A checkpoint's tensor to write as it is stored. */
export function storedTensor(stored: StoredTensor): TensorToWrite {
  const {name, shape, encoding} = stored;
  return {name, shape, encoding, data: () => stored.read()};
}

/** All tensors of a checkpoint, or those that are not in `values`, as they are stored. */
export function storedTensors(
  {tensors}: Checkpoint,
  values: ReadonlyMap<string, unknown> = new Map(),
): TensorToWrite[] {
  return [...tensors.values()].filter(({name}) => !values.has(name)).map(storedTensor);
}

/** The same tensor in another encoding; in its own it stays as it is. */
export function reencoded(tensor: TensorToWrite, encoding: FloatEncoding): TensorToWrite {
  if (tensor.encoding === encoding) return tensor;
  return {...tensor, encoding, data: () => encode(floatsOf(tensor), encoding)};
}

/** All of them in one encoding, or as they are. */
export function inEncoding(
  tensors: readonly TensorToWrite[],
  encoding: FloatEncoding | undefined,
): readonly TensorToWrite[] {
  return encoding ? tensors.map((tensor) => reencoded(tensor, encoding)) : tensors;
}

/** Its numbers, row-major: a copy. */
export function floatsOf({data, encoding}: TensorToWrite): Float32Array {
  return decodeFloat32(typeof data === 'function' ? data() : data, encoding);
}
