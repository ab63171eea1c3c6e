// Weights that stay in the encoding of their file, as bytes: [..., bytes of a number], or with quantized rows
// [..., blocks of a row, bytes of a block]. Our own kernels read them so; for every other op they are decoded for
// the time of its call.
import tf from '#tfjs';
import {BLOCK_ELEMENTS, blockBytes, isQuantized} from '../blocks.js';
import type {Encoding} from '../native/addon.js';
import {replaceKernel} from './customOp.js';
import {decodeBlocks} from './decodeBlocks.js';
import {type RawOps, withRawOps} from './rawOps.js';
import {
  dataTypes,
  type Handle,
  TENSORFLOW,
  type TensorflowBackend,
  type TensorType,
} from './tensorflowBackend.js';

/** The encodings, by the data of the tensors. */
const encodings = new WeakMap<object, Encoding>();

/** How a tensor's numbers are stored. */
export function encodingOfData({dataId}: tf.TensorInfo): Encoding {
  return encodings.get(dataId) ?? 'f32';
}

/** A weight of these bytes, which get to TensorFlow when an op first reads it. Its dtype label is float32. */
export function addEncodedWeight(
  backend: TensorflowBackend,
  bytes: Uint8Array,
  encoding: Encoding,
  shape: number[],
): tf.TensorInfo {
  const dataId = {};
  const stored = storedShape(shape, encoding);
  const entry = {shape: stored, dtype: dataTypes.uint8, values: bytes, id: -1, refCount: 1};
  backend.tensorMap.set(dataId, entry);
  encodings.set(dataId, encoding);
  return {dataId, shape, dtype: 'float32'};
}

function storedShape(shape: readonly number[], encoding: Encoding): number[] {
  if (!isQuantized(encoding)) return [...shape, 2];
  return [...shape.slice(0, -1), shape.at(-1)! / BLOCK_ELEMENTS, blockBytes[encoding]];
}

/** Stored bytes, or rows of them, as numbers of `type`. */
export function decodeHandle(
  ops: RawOps,
  bytes: Handle,
  encoding: Encoding,
  type: TensorType,
): Handle {
  if (encoding === 'f32') return ops.cast(bytes, type);
  const numbers = isQuantized(encoding)
    ? decodeBlocks(ops, bytes, encoding)
    : ops.bitcast(bytes, encoding === 'bf16' ? 'bfloat16' : 'half');
  return ops.cast(numbers, type);
}

/** A tensor's numbers as `type`. */
export function inputAs(ops: RawOps, info: tf.TensorInfo, type: TensorType): Handle {
  const encoding = encodingOfData(info);
  const numbers = decodeHandle(ops, ops.input(info), encoding, type);
  return encoding === 'f32' ? numbers : ops.reshape(numbers, info.shape);
}

function decode(backend: TensorflowBackend, info: tf.TensorInfo): tf.TensorInfo {
  return withRawOps(backend, (ops) => inputAs(ops, info, 'float32'));
}

/**
 * Has the backend's own kernels see encoded weights as float32: it decodes such inputs of an op, and
 * deletes the numbers after it.
 */
export function decodeForStockOps(backend: TensorflowBackend): void {
  const isEncoded = ({dataId}: tf.TensorInfo) => encodings.has(dataId);
  const withDecoded = <T>(inputs: tf.TensorInfo[], run: (inputs: tf.TensorInfo[]) => T): T => {
    if (!inputs.some(isEncoded)) return run(inputs);
    const decoded = inputs.map((info) => (isEncoded(info) ? decode(backend, info) : info));
    try {
      return run(decoded);
    } finally {
      for (const [i, info] of decoded.entries()) if (info !== inputs[i]) dispose(info);
    }
  };
  const dispose = (info: tf.TensorInfo) => void (info as tf.Tensor).dispose();

  const single = backend.executeSingleOutput.bind(backend);
  backend.executeSingleOutput = (name, attributes, inputs) =>
    withDecoded(inputs, (decoded) => single(name, attributes, decoded));
  const multiple = backend.executeMultipleOutputs.bind(backend);
  backend.executeMultipleOutputs = (name, attributes, inputs, numOutputs) =>
    withDecoded(inputs, (decoded) => multiple(name, attributes, decoded, numOutputs));
  const readSync = backend.readSync.bind(backend);
  backend.readSync = (dataId) => {
    if (!encodings.has(dataId)) return readSync(dataId);
    const info = withRawOps(backend, (ops) => {
      const encoding = encodings.get(dataId)!;
      return decodeHandle(ops, ops.stored(dataId), encoding, 'float32');
    });
    try {
      return readSync(info.dataId);
    } finally {
      dispose(info);
    }
  };
  const disposeData = backend.disposeData.bind(backend);
  backend.disposeData = (dataId, force) => {
    const isGone = disposeData(dataId, force);
    if (isGone) encodings.delete(dataId);
    return isGone;
  };
  shareReshaped();
}

/** A reshaped weight is the same data. */
function shareReshaped(): void {
  const stock = tf.getKernel('Reshape', TENSORFLOW);
  replaceKernel({
    ...stock,
    kernelFunc: (call) => {
      const x = call.inputs.x as tf.TensorInfo;
      if (!encodings.has(x.dataId)) return stock.kernelFunc(call);
      const {shape} = call.attrs as unknown as {shape: number[]};
      const size = x.shape.reduce((product, dim) => product * dim, 1);
      (call.backend as TensorflowBackend).incRef(x.dataId);
      return {dataId: x.dataId, shape: tf.util.inferFromImplicitShape(shape, size), dtype: x.dtype};
    },
  });
}
