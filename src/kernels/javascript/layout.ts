// Numbers in another order.
import tf from '#tfjs';
import type {KernelConfig, Tensor, TensorInfo} from '@tensorflow/tfjs';
import type {MathBackendCPU} from '@tensorflow/tfjs-backend-cpu';
import {forEachRow, rowMajor, simplify, sizeOf} from '../strides.js';
import {cpuKernel, floats, makeFloats} from './cpuKernel.js';

/** Fills `out` with the numbers of `values` that a walk over a shape meets, from `start` on. */
function copyWalk(
  out: Float32Array,
  values: Float32Array,
  start: number,
  shape: readonly number[],
  strides: readonly number[],
): void {
  const walk = simplify({shape, strides: [strides]});
  const length = walk.shape.at(-1)!;
  const step = walk.strides[0]!.at(-1)!;
  let o = 0;
  forEachRow(walk, ([offset]) => {
    const from = start + offset!;
    if (step === 1) out.set(values.subarray(from, from + length), o);
    else for (let i = 0, at = from; i < length; i++, at += step) out[o + i] = values[at]!;
    o += length;
  });
}

const transposeKernel = () =>
  cpuKernel<{x: TensorInfo}, {perm: number[]}>('Transpose', ({inputs, attrs, backend}) => {
    const {x} = inputs;
    const strides = rowMajor(x.shape);
    const shape = attrs.perm.map((axis) => x.shape[axis]!);
    const out = makeFloats(backend, shape);
    const steps = attrs.perm.map((axis) => strides[axis]!);
    copyWalk(out.values, floats(backend, x), 0, shape, steps);
    return out.info;
  });

const sliceKernel = () =>
  cpuKernel<{x: TensorInfo}, {begin: number | number[]; size: number | number[]}>(
    'Slice',
    ({inputs: {x}, attrs, backend}) => {
      const [begin, size] = tf.slice_util.parseSliceParams(x as never, attrs.begin, attrs.size);
      tf.slice_util.assertParamsValid(x as never, begin!, size!);
      const out = makeFloats(backend, size!);
      const strides = rowMajor(x.shape);
      const start = begin!.reduce((at, n, axis) => at + n * strides[axis]!, 0);
      copyWalk(out.values, floats(backend, x), start, size!, strides);
      return out.info;
    },
  );

const splitKernel = () =>
  cpuKernel<{x: TensorInfo}, {numOrSizeSplits: number[] | number; axis: number}, TensorInfo[]>(
    'SplitV',
    ({inputs: {x}, attrs, backend}) => {
      const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
      const sizes = tf.backend_util.prepareSplitSize(x as Tensor, attrs.numOrSizeSplits, axis);
      const strides = rowMajor(x.shape);
      let start = 0;
      return sizes.map((size) => {
        const shape = x.shape.map((n, i) => (i === axis ? size : n));
        const out = makeFloats(backend, shape);
        copyWalk(out.values, floats(backend, x), start * strides[axis]!, shape, strides);
        start += size;
        return out.info;
      });
    },
  );

const padKernel = () =>
  cpuKernel<{x: TensorInfo}, {paddings: [number, number][]; constantValue: number}>(
    'PadV2',
    ({inputs: {x}, attrs: {paddings, constantValue}, backend}) => {
      const shape = x.shape.map((n, axis) => n + paddings[axis]![0] + paddings[axis]![1]);
      const out = makeFloats(backend, shape);
      if (constantValue !== 0) out.values.fill(constantValue);
      const strides = rowMajor(shape);
      const values = floats(backend, x);
      const length = x.shape.at(-1) ?? 1;
      const start = paddings.reduce((at, [before], axis) => at + before * strides[axis]!, 0);
      forEachRow({shape: x.shape, strides: [rowMajor(x.shape), strides]}, ([from, to]) => {
        out.values.set(values.subarray(from!, from! + length), start + to!);
      });
      return out.info;
    },
  );

interface GatherAttrs {
  axis: number;
  batchDims: number;
}

/** Rows of the first dimension. The indices are whole numbers, so cpuKernel would leave all of it to tfjs. */
const gatherKernel = (): KernelConfig => {
  const stock = tf.getKernel('GatherV2', 'cpu');
  return {
    ...stock,
    kernelFunc: (call) => {
      const {x, indices} = call.inputs as {x: TensorInfo; indices: TensorInfo};
      const {axis, batchDims} = call.attrs as unknown as GatherAttrs;
      const isRows = axis === 0 && batchDims === 0 && x.shape.length > 0;
      if (!isRows || x.dtype !== 'float32' || indices.dtype !== 'int32')
        return stock.kernelFunc(call);
      const backend = call.backend as MathBackendCPU;
      const [count = 0, ...rest] = x.shape;
      const length = sizeOf(rest);
      const out = makeFloats(backend, [...indices.shape, ...rest]);
      const values = floats(backend, x);
      for (const [i, row] of (backend.data.get(indices.dataId).values as Int32Array).entries()) {
        if (row < 0 || row >= count)
          throw new Error(`gather: expected an index below ${count}, got ${row}`);
        out.values.set(values.subarray(row * length, (row + 1) * length), i * length);
      }
      return out.info;
    },
  };
};

export const layoutKernels = (): KernelConfig[] => [
  transposeKernel(),
  sliceKernel(),
  splitKernel(),
  padKernel(),
  gatherKernel(),
];
