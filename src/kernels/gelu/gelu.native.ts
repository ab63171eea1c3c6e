import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {nativeKernel} from '../native/nativeBackend.js';
import {GeluGrad} from './gelu.grad.js';
import {Gelu} from './gelu.js';

export const geluKernels: KernelConfig[] = [
  nativeKernel<{x: TensorInfo}>(Gelu, ({inputs: {x}, backend}) => {
    const out = backend.allocate(x.shape);
    const values = backend.floats(x);
    backend.addon.gelu(values, backend.floats(out), values.length);
    return out;
  }),
  nativeKernel<{x: TensorInfo; dy: TensorInfo}>(GeluGrad, ({inputs: {x, dy}, backend}) => {
    const dx = backend.allocate(x.shape);
    const values = backend.floats(x);
    backend.addon.geluGrad(values, backend.floats(dy), backend.floats(dx), values.length);
    return dx;
  }),
];
