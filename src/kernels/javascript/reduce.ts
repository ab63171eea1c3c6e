// Sums over some of the dimensions.
import tf from '#tfjs';
import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {forEachRow, rowMajor} from '../strides.js';
import {cpuKernel, floats, makeFloats} from './cpuKernel.js';

interface ReduceAttrs {
  axis: number | number[];
  keepDims: boolean;
}

/** Each sum in float64. */
const reduceKernel = (name: 'Sum' | 'Mean') =>
  cpuKernel<{x: TensorInfo}, ReduceAttrs>(name, ({inputs: {x}, attrs, backend}) => {
    const axes = tf.util.parseAxisParam(attrs.axis ?? null!, x.shape);
    const kept = tf.backend_util.expandShapeToKeepDim(
      x.shape.filter((_, axis) => !axes.includes(axis)),
      axes,
    );
    const shape = attrs.keepDims ? kept : x.shape.filter((_, axis) => !axes.includes(axis));
    const out = makeFloats(backend, shape);
    const strides = rowMajor(kept).map((stride, axis) => (axes.includes(axis) ? 0 : stride));
    const sums = new Float64Array(out.values.length);
    const values = floats(backend, x);
    const length = x.shape.at(-1) ?? 1;
    const step = strides.at(-1) ?? 0;
    forEachRow({shape: x.shape, strides: [rowMajor(x.shape), strides]}, ([from, to]) => {
      for (let i = 0, at = to!; i < length; i++, at += step)
        sums[at] = sums[at]! + values[from! + i]!;
    });
    const count = name === 'Mean' ? values.length / Math.max(1, sums.length) : 1;
    for (const [i, sum] of sums.entries()) out.values[i] = sum / count;
    return out.info;
  });

export const reduceKernels = (): KernelConfig[] => [reduceKernel('Sum'), reduceKernel('Mean')];
