import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {nativeKernel} from '../native/nativeBackend.js';
import {RmsNormGrad} from './rmsNorm.grad.js';
import {RmsNorm, type RmsNormAttrs} from './rmsNorm.js';

interface Inputs {
  x: TensorInfo;
  weight: TensorInfo;
}

export const rmsNormKernels: KernelConfig[] = [
  nativeKernel<Inputs, RmsNormAttrs>(RmsNorm, ({inputs: {x, weight}, attrs: {eps}, backend}) => {
    const out = backend.allocate(x.shape);
    const values = backend.floats(x);
    const cols = x.shape.at(-1)!;
    const rows = cols === 0 ? 0 : values.length / cols;
    backend.addon.norm(values, backend.floats(weight), null, backend.floats(out), rows, cols, eps);
    return out;
  }),
  nativeKernel<Inputs & {dy: TensorInfo}, RmsNormAttrs>(
    RmsNormGrad,
    ({inputs: {x, weight, dy}, attrs: {eps}, backend}) => {
      const dx = backend.allocate(x.shape);
      const dWeight = backend.allocate(weight.shape);
      const values = backend.floats(x);
      const cols = x.shape.at(-1)!;
      const rows = cols === 0 ? 0 : values.length / cols;
      backend.addon.normGrad(
        values,
        backend.floats(weight),
        backend.floats(dy),
        backend.floats(dx),
        backend.floats(dWeight),
        null,
        rows,
        cols,
        eps,
      );
      return [dx, dWeight];
    },
  ),
];
