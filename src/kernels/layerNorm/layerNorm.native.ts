import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {nativeKernel} from '../native/nativeBackend.js';
import {LayerNormGrad} from './layerNorm.grad.js';
import {LayerNorm, type LayerNormAttrs} from './layerNorm.js';

interface Inputs {
  x: TensorInfo;
  weight: TensorInfo;
  bias: TensorInfo;
}

interface GradInputs {
  x: TensorInfo;
  weight: TensorInfo;
  dy: TensorInfo;
}

export const layerNormKernels: KernelConfig[] = [
  nativeKernel<Inputs, LayerNormAttrs>(
    LayerNorm,
    ({inputs: {x, weight, bias}, attrs: {eps}, backend}) => {
      const out = backend.allocate(x.shape);
      const values = backend.floats(x);
      const cols = x.shape.at(-1)!;
      const rows = cols === 0 ? 0 : values.length / cols;
      backend.addon.norm(
        values,
        backend.floats(weight),
        backend.floats(bias),
        backend.floats(out),
        rows,
        cols,
        eps,
      );
      return out;
    },
  ),
  nativeKernel<GradInputs, LayerNormAttrs>(
    LayerNormGrad,
    ({inputs: {x, weight, dy}, attrs: {eps}, backend}) => {
      const dx = backend.allocate(x.shape);
      const dWeight = backend.allocate(weight.shape);
      const dBias = backend.allocate(weight.shape);
      const values = backend.floats(x);
      const cols = x.shape.at(-1)!;
      const rows = cols === 0 ? 0 : values.length / cols;
      backend.addon.normGrad(
        values,
        backend.floats(weight),
        backend.floats(dy),
        backend.floats(dx),
        backend.floats(dWeight),
        backend.floats(dBias),
        rows,
        cols,
        eps,
      );
      return [dx, dWeight, dBias];
    },
  ),
];
