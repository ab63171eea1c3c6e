import type {TensorInfo} from '@tensorflow/tfjs';
import {nativeKernel} from '../native/nativeBackend.js';
import {Adamw, type AdamwAttrs} from './adamw.js';

interface AdamwInputs {
  parameter: TensorInfo;
  m: TensorInfo;
  v: TensorInfo;
  grad: TensorInfo;
}

/** Returns [parameter, m, v]: tensors on the inputs' own data wherever nobody else can see it. */
export const adamwKernel = nativeKernel<AdamwInputs, AdamwAttrs>(
  Adamw,
  ({inputs: {parameter, m, v, grad}, attrs, backend}) => {
    const outputs = [parameter, m, v].map((input) =>
      backend.isExclusive(input)
        ? backend.share(input, input.shape)
        : backend.allocate(input.shape),
    );
    const [newParameter, newM, newV] = outputs as [TensorInfo, TensorInfo, TensorInfo];
    const gradient = backend.floats(grad);
    backend.addon.adamw(
      backend.floats(parameter),
      backend.floats(m),
      backend.floats(v),
      gradient,
      backend.floats(newParameter),
      backend.floats(newM),
      backend.floats(newV),
      gradient.length,
      attrs.beta1,
      attrs.beta2,
      attrs.eps,
      attrs.decay,
      attrs.rate,
      attrs.correction,
      attrs.scale,
    );
    return outputs;
  },
);
