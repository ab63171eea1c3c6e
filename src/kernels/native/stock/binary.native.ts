import tf from '#tfjs';
import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {type NativeBackend, nativeKernel, runStockKernel} from '../nativeBackend.js';
import {broadcastStrides, packWalk, simplify} from '../../strides.js';

/** Codes of stock/binary.h, by tfjs kernel name. */
const binaryCodes = {
  Add: 0,
  Sub: 1,
  Multiply: 2,
  RealDiv: 3,
  Maximum: 4,
  Minimum: 5,
  SquaredDifference: 6,
} as const;

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** out = function(a, b); `out` may be one of them when it has the result's shape. */
function compute(
  backend: NativeBackend,
  code: number,
  a: TensorInfo,
  b: TensorInfo,
  out: TensorInfo,
): void {
  const result = backend.floats(out);
  const walk = sameShape(a.shape, b.shape)
    ? {shape: [result.length], strides: [[1], [1]]}
    : simplify({
        shape: out.shape,
        strides: [broadcastStrides(a.shape, out.shape), broadcastStrides(b.shape, out.shape)],
      });
  backend.addon.binary(code, backend.floats(a), backend.floats(b), result, packWalk(walk));
}

const binaryKernels = Object.entries(binaryCodes).map(([name, code]) =>
  nativeKernel<{a: TensorInfo; b: TensorInfo}>(name, (call) => {
    const {inputs, backend} = call;
    const {a, b} = inputs;
    if (a.dtype !== 'float32' || b.dtype !== 'float32') return runStockKernel(name, call);
    const out = backend.allocate(tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape));
    compute(backend, code, a, b, out);
    return out;
  }),
);

const addNKernel = nativeKernel<TensorInfo[]>('AddN', (call) => {
  const {backend} = call;
  const [first, second, ...others] = Object.values(call.inputs);
  const all = [first, second, ...others];
  if (!first || !second || all.some((input) => input?.dtype !== 'float32')) {
    return runStockKernel('AddN', call);
  }
  const out = backend.allocate(first.shape);
  compute(backend, binaryCodes.Add, first, second, out);
  for (const other of others) compute(backend, binaryCodes.Add, out, other, out);
  return out;
});

export const arithmeticKernels: KernelConfig[] = [...binaryKernels, addNKernel];
