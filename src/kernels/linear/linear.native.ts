import type {TensorInfo} from '@tensorflow/tfjs';
import {nativeKernel} from '../native/nativeBackend.js';
import {Linear} from './linear.js';

interface LinearInputs {
  x: TensorInfo;
  weight: TensorInfo;
  bias?: TensorInfo;
}

export const linearKernel = nativeKernel<LinearInputs>(
  Linear,
  ({inputs: {x, weight, bias}, backend}) => {
    const [size, inputSize] = weight.shape as [number, number];
    const out = backend.allocate([...x.shape.slice(0, -1), size]);
    const rows = x.shape.slice(0, -1).reduce((product, dim) => product * dim, 1);
    const {bytes, encoding} = backend.weight(weight);
    backend.addon.gemm(
      backend.floats(x),
      false,
      bytes,
      encoding,
      true,
      bias ? backend.floats(bias) : null,
      backend.floats(out),
      rows,
      size,
      inputSize,
      1,
      0,
      0,
      false,
    );
    return out;
  },
);
