// Kernels that read or write at given indices, and those that make tensors.
import tf from '#tfjs';
import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {type NumericType, nativeKernel, runStockKernel} from '../nativeBackend.js';
import {sizeOf} from '../../strides.js';

const gatherKernel = nativeKernel<
  {x: TensorInfo; indices: TensorInfo},
  {axis: number; batchDims: number}
>('GatherV2', (call) => {
  const {inputs, attrs, backend} = call;
  const {x, indices} = inputs;
  const isSupported =
    (x.dtype === 'float32' || x.dtype === 'int32') &&
    indices.dtype === 'int32' &&
    !attrs.batchDims &&
    sizeOf(x.shape) > 0;
  if (!isSupported) return runStockKernel('GatherV2', call);
  const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
  const {outputShape, outerSize, dimSize, sliceSize} =
    tf.backend_util.segment_util.collectGatherOpShapeInfo(x as never, indices as never, axis, 0);
  const out = backend.allocate(outputShape, x.dtype as NumericType);
  backend.addon.gather(
    backend.bytes(x),
    backend.ints(indices),
    backend.bytes(out),
    outerSize,
    dimSize,
    sizeOf(indices.shape),
    sliceSize * 4,
  );
  return out;
});

const segmentSumKernel = nativeKernel<
  {x: TensorInfo; segmentIds: TensorInfo},
  {numSegments: number}
>('UnsortedSegmentSum', (call) => {
  const {inputs, attrs, backend} = call;
  const {x, segmentIds} = inputs;
  if (x.dtype !== 'float32' || segmentIds.dtype !== 'int32' || segmentIds.shape.length !== 1) {
    return runStockKernel('UnsortedSegmentSum', call);
  }
  const row = x.shape.slice(1);
  const out = backend.allocate([attrs.numSegments, ...row]);
  backend.addon.segmentSum(
    backend.floats(x),
    backend.ints(segmentIds),
    backend.floats(out),
    x.shape[0]!,
    sizeOf(row),
    attrs.numSegments,
  );
  return out;
});

const castKernel = nativeKernel<{x: TensorInfo}, {dtype: string}>('Cast', (call) => {
  const {inputs, attrs, backend} = call;
  const {x} = inputs;
  const {dtype} = attrs;
  const isNumeric = (type: string) => type === 'float32' || type === 'int32' || type === 'bool';
  if (!isNumeric(x.dtype) || !isNumeric(dtype)) return runStockKernel('Cast', call);
  if (x.dtype === dtype) return backend.share(x, x.shape);
  const out = backend.allocate(x.shape, dtype as NumericType);
  const from = backend.numbers(x);
  const to = backend.numbers(out);
  if (dtype === 'bool') {
    for (let i = 0; i < from.length; i++) to[i] = from[i] === 0 ? 0 : 1;
  } else {
    to.set(from); // converts: towards zero for int32
  }
  return out;
});

const fillKernel = nativeKernel<
  Record<string, never>,
  {shape: number[]; value: number | string; dtype?: string}
>('Fill', (call) => {
  const {attrs, backend} = call;
  const dtype = attrs.dtype ?? tf.util.inferDtype(attrs.value);
  if ((dtype !== 'float32' && dtype !== 'int32') || typeof attrs.value !== 'number') {
    return runStockKernel('Fill', call);
  }
  const out = backend.allocate(attrs.shape, dtype);
  backend.numbers(out).fill(attrs.value);
  return out;
});

function constantKernel(name: string, value: number): KernelConfig {
  return nativeKernel<{x: TensorInfo}>(name, (call) => {
    const {inputs, backend} = call;
    const {x} = inputs;
    if (x.dtype !== 'float32' && x.dtype !== 'int32') return runStockKernel(name, call);
    const out = backend.allocate(x.shape, x.dtype);
    backend.numbers(out).fill(value);
    return out;
  });
}

export const indexKernels: KernelConfig[] = [
  gatherKernel,
  segmentSumKernel,
  castKernel,
  fillKernel,
  constantKernel('ZerosLike', 0),
  constantKernel('OnesLike', 1),
];
