import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {nativeKernel, runStockKernel} from '../nativeBackend.js';

/** Codes of stock/unary.h, by tfjs kernel name. */
const unaryCodes = {
  Neg: 0,
  Abs: 1,
  Square: 2,
  Sqrt: 3,
  Rsqrt: 4,
  Exp: 5,
  Relu: 6,
  Reciprocal: 7,
  Sigmoid: 8,
  Step: 9,
  Log: 10,
  Tanh: 11,
} as const;

export const unaryKernels: KernelConfig[] = Object.entries(unaryCodes).map(([name, code]) =>
  nativeKernel<{x: TensorInfo}, {alpha?: number}>(name, (call) => {
    const {inputs, attrs, backend} = call;
    if (inputs.x.dtype !== 'float32') return runStockKernel(name, call);
    const out = backend.allocate(inputs.x.shape);
    const x = backend.floats(inputs.x);
    backend.addon.unary(code, x, backend.floats(out), x.length, attrs.alpha ?? 0);
    return out;
  }),
);
