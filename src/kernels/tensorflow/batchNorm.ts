// Batch normalization by ops of ours, on the CPU.
import type {KernelConfig} from '@tensorflow/tfjs';
import {BatchNormGrad, type BatchNormGradAttrs} from '../batchNorm/batchNorm.grad.js';
import {
  BatchNorm,
  type BatchNormAttrs,
  BatchNormInference,
  BatchNormMoments,
} from '../batchNorm/batchNorm.js';
import {
  flagAttribute,
  floatAttribute,
  inOrder,
  type NamedInputs,
  tensorflowKernel,
} from './customOp.js';
import type {TensorflowBackend} from './tensorflowBackend.js';

const attributes = (backend: TensorflowBackend, {eps, activation}: BatchNormAttrs) => [
  floatAttribute(backend, 'eps', eps),
  flagAttribute(backend, 'has_relu', activation === 'relu'),
];

const statistics = ['x', 'mean', 'variance', 'weight', 'bias'];

export const batchNormKernels: readonly KernelConfig[] = [
  tensorflowKernel<NamedInputs, BatchNormAttrs>(BatchNorm, ({inputs, attrs, backend}) => {
    const tensors = inOrder(inputs, ['x', 'weight', 'bias']);
    return backend.executeMultipleOutputs(BatchNorm, attributes(backend, attrs), tensors, 3);
  }),
  tensorflowKernel<NamedInputs>(BatchNormMoments, ({inputs: {x}, backend}) =>
    backend.executeMultipleOutputs(BatchNormMoments, [], [x!], 2),
  ),
  tensorflowKernel<NamedInputs, BatchNormAttrs>(BatchNormInference, ({inputs, attrs, backend}) => {
    const tensors = inOrder(inputs, statistics);
    return backend.executeSingleOutput(BatchNormInference, attributes(backend, attrs), tensors);
  }),
  tensorflowKernel<NamedInputs, BatchNormGradAttrs>(BatchNormGrad, ({inputs, attrs, backend}) => {
    const own = [
      ...attributes(backend, attrs),
      flagAttribute(backend, 'is_training', attrs.isTraining),
    ];
    const tensors = inOrder(inputs, [...statistics, 'dy']);
    return backend.executeMultipleOutputs(BatchNormGrad, own, tensors, 3);
  }),
];
