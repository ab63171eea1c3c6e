import tf from '#tfjs';
import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {type NativeBackend, nativeKernel, runStockKernel} from '../nativeBackend.js';
import {sizeOf} from '../../strides.js';

/** Codes of stock/reduce.h. */
const reduceCodes = {sum: 0, max: 1} as const;

/** Splits sorted axes into runs of neighbours: [0, 1, 3] -> [[0, 2], [3, 4]] (first, end). */
function runsOf(axes: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const axis of axes) {
    const last = runs.at(-1);
    if (last && last[1] === axis) last[1]++;
    else runs.push([axis, axis + 1]);
  }
  return runs;
}

/** Reduces float32 `x` along `axes`, run by run from the last. */
function reduce(
  backend: NativeBackend,
  x: TensorInfo,
  axes: readonly number[],
  keepDims: boolean,
  code: number,
  scale: number,
): TensorInfo {
  const sorted = [...axes].sort((a, b) => a - b);
  const [reduced] = tf.backend_util.computeOutAndReduceShapes(x.shape, sorted);
  const shape = keepDims ? tf.backend_util.expandShapeToKeepDim(reduced, sorted) : reduced;
  let current = x;
  for (const [first, end] of runsOf(sorted).reverse()) {
    const inner = [...current.shape.slice(end)];
    const outer = current.shape.slice(0, first);
    const isFirstStep = current === x;
    const out = backend.allocate([...outer, ...inner]);
    backend.addon.reduce(
      code,
      backend.floats(current),
      backend.floats(out),
      sizeOf(outer),
      sizeOf(current.shape.slice(first, end)),
      sizeOf(inner),
      isFirstStep ? scale : 1,
    );
    if (!isFirstStep) backend.disposeIntermediateTensorInfo(current);
    current = out;
  }
  return {dataId: current.dataId, shape, dtype: 'float32'};
}

interface ReduceAttrs {
  axis?: number | number[] | null;
  reductionIndices?: number | number[] | null;
  keepDims?: boolean;
}

function reduceKernel(name: string, code: number, isMean: boolean): KernelConfig {
  return nativeKernel<{x: TensorInfo}, ReduceAttrs>(name, (call) => {
    const {inputs, attrs, backend} = call;
    const {x} = inputs;
    const axis = attrs.axis ?? attrs.reductionIndices;
    const axes = axis == null ? x.shape.map((_, i) => i) : tf.util.parseAxisParam(axis, x.shape);
    if (x.dtype !== 'float32' || sizeOf(x.shape) === 0) return runStockKernel(name, call);
    if (axes.length === 0) return backend.share(x, x.shape);
    const count = axes.reduce((product, i) => product * x.shape[i]!, 1);
    return reduce(backend, x, axes, attrs.keepDims ?? false, code, isMean ? 1 / count : 1);
  });
}

const argMaxKernel = nativeKernel<{x: TensorInfo}, {axis: number}>('ArgMax', (call) => {
  const {inputs, attrs, backend} = call;
  const {x} = inputs;
  const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0];
  if (x.dtype !== 'float32' || axis === undefined || sizeOf(x.shape) === 0) {
    return runStockKernel('ArgMax', call);
  }
  const outer = x.shape.slice(0, axis);
  const inner = x.shape.slice(axis + 1);
  const out = backend.allocate([...outer, ...inner], 'int32');
  const size = x.shape[axis]!;
  backend.addon.argMax(backend.floats(x), backend.ints(out), sizeOf(outer), size, sizeOf(inner));
  return out;
});

const softmaxKernel = nativeKernel<{logits: TensorInfo}, {dim: number}>('Softmax', (call) => {
  const {inputs, attrs, backend} = call;
  const {logits} = inputs;
  const [axis] = tf.util.parseAxisParam(attrs.dim, logits.shape);
  if (logits.dtype !== 'float32' || axis !== logits.shape.length - 1) {
    return runStockKernel('Softmax', call);
  }
  const out = backend.allocate(logits.shape);
  const cols = logits.shape[axis]!;
  const rows = sizeOf(logits.shape.slice(0, -1));
  backend.addon.softmax(backend.floats(logits), backend.floats(out), rows, cols);
  return out;
});

export const reduceKernels: KernelConfig[] = [
  reduceKernel('Sum', reduceCodes.sum, false),
  reduceKernel('Mean', reduceCodes.sum, true),
  reduceKernel('Max', reduceCodes.max, false),
  argMaxKernel,
  softmaxKernel,
];
