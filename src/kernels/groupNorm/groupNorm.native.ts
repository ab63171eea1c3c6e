import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {nativeKernel} from '../native/nativeBackend.js';
import {GroupNormGrad} from './groupNorm.grad.js';
import {GroupNorm, type GroupNormAttrs} from './groupNorm.js';

interface Inputs {
  x: TensorInfo;
  weight: TensorInfo;
  bias: TensorInfo;
}

interface GradInputs extends Inputs {
  mean: TensorInfo;
  inverseStd: TensorInfo;
  dy: TensorInfo;
}

/** [batch, rows, cols, groups] of x [B, ..., C] */
function sizes(x: TensorInfo, groups: number): Int32Array {
  const rows = x.shape.slice(1, -1).reduce((product, size) => product * size, 1);
  return Int32Array.of(x.shape[0]!, rows, x.shape.at(-1)!, groups);
}

export const groupNormKernels: KernelConfig[] = [
  /** Returns [y, mean, inverseStd]: the gradient needs the statistics. */
  nativeKernel<Inputs, GroupNormAttrs>(
    GroupNorm,
    ({inputs: {x, weight, bias}, attrs: {groups, eps, activation}, backend}) => {
      const out = backend.allocate(x.shape);
      const mean = backend.allocate([x.shape[0]!, groups]);
      const inverseStd = backend.allocate([x.shape[0]!, groups]);
      backend.addon.groupNorm(
        backend.floats(x),
        backend.floats(weight),
        backend.floats(bias),
        backend.floats(out),
        backend.floats(mean),
        backend.floats(inverseStd),
        sizes(x, groups),
        eps,
        activation === 'silu',
      );
      return [out, mean, inverseStd];
    },
  ),

  /** Returns [dx, dWeight, dBias]. */
  nativeKernel<GradInputs, GroupNormAttrs>(
    GroupNormGrad,
    ({inputs: {x, weight, bias, mean, inverseStd, dy}, attrs, backend}) => {
      const outputs = [x, weight, bias].map(({shape}) => backend.allocate(shape));
      const [dx, dWeight, dBias] = outputs as [TensorInfo, TensorInfo, TensorInfo];
      backend.addon.groupNormGrad(
        backend.floats(x),
        backend.floats(weight),
        backend.floats(bias),
        backend.floats(mean),
        backend.floats(inverseStd),
        backend.floats(dy),
        backend.floats(dx),
        backend.floats(dWeight),
        backend.floats(dBias),
        sizes(x, attrs.groups),
        attrs.activation === 'silu',
      );
      return outputs;
    },
  ),
];
