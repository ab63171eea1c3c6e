import type {TensorInfo} from '@tensorflow/tfjs';
import {AttentionGrad} from '../attention/attention.grad.js';
import {
  Attention,
  type AttentionAttrs,
  type OptionalInput,
  optionalInputs,
} from '../attention/attention.js';
import {
  absentInputs,
  flagAttribute,
  floatAttribute,
  tensorflowKernel,
  withUpload,
} from './customOp.js';
import type {TensorflowBackend} from './tensorflowBackend.js';

/** The inputs in the op's order, each there. */
function allInputs(
  backend: TensorflowBackend,
  inputs: readonly TensorInfo[],
  extras: readonly OptionalInput[],
): TensorInfo[] {
  const {floats, ints} = absentInputs(backend);
  const optional = optionalInputs.map((name) => {
    const index = extras.indexOf(name);
    return index >= 0 ? inputs[3 + index]! : name === 'bias' ? floats : ints;
  });
  return [...inputs.slice(0, 3), ...optional];
}

const attributes = (backend: TensorflowBackend, {scale, isCausal}: AttentionAttrs) => [
  floatAttribute(backend, 'scale', scale),
  flagAttribute(backend, 'is_causal', isCausal),
];

export const attentionKernels = [
  tensorflowKernel<TensorInfo[], AttentionAttrs>(Attention, ({inputs, attrs, backend}) => {
    const tensors = allInputs(backend, inputs, attrs.extras);
    return withUpload(backend, Int32Array.of(attrs.numKeys), (numKeys) =>
      backend.executeMultipleOutputs(
        Attention,
        attributes(backend, attrs),
        [...tensors, numKeys],
        2,
      ),
    );
  }),
  tensorflowKernel<TensorInfo[], AttentionAttrs>(AttentionGrad, ({inputs, attrs, backend}) => {
    const saved = inputs.slice(0, 3);
    const forward = allInputs(backend, inputs.slice(3), attrs.extras).slice(0, -1);
    const gradients = withUpload(backend, Int32Array.of(attrs.numKeys), (numKeys) =>
      backend.executeMultipleOutputs(
        AttentionGrad,
        attributes(backend, attrs),
        [...saved, ...forward, numKeys],
        4,
      ),
    );
    if (attrs.extras.includes('bias')) return gradients;
    gradients.pop()!.dispose();
    return gradients;
  }),
];
