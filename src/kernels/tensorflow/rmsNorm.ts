import type {KernelConfig, NamedTensorInfoMap, TensorInfo} from '@tensorflow/tfjs';
import {RmsNormGrad} from '../rmsNorm/rmsNorm.grad.js';
import {RmsNorm, type RmsNormAttrs} from '../rmsNorm/rmsNorm.js';
import {type OpAttribute, TENSORFLOW, type TensorflowBackend} from './tensorflowBackend.js';

const epsAttribute = (backend: TensorflowBackend, attrs: unknown): OpAttribute => ({
  name: 'eps',
  type: backend.binding.TF_ATTR_FLOAT,
  value: (attrs as RmsNormAttrs).eps,
});

/** The inputs by name, in the op's order. */
const inOrder = (inputs: NamedTensorInfoMap, ...names: string[]) =>
  names.map((name) => inputs[name] as TensorInfo);

/** The op and its gradient by the custom ops of rmsNorm.cc, which bear the kernels' names. */
export const rmsNormKernels: KernelConfig[] = [
  {
    kernelName: RmsNorm,
    backendName: TENSORFLOW,
    kernelFunc: ({inputs, attrs, backend}) => {
      const tensorflow = backend as TensorflowBackend;
      const attributes = [epsAttribute(tensorflow, attrs)];
      return tensorflow.executeSingleOutput(RmsNorm, attributes, inOrder(inputs, 'x', 'weight'));
    },
  },
  {
    kernelName: RmsNormGrad,
    backendName: TENSORFLOW,
    kernelFunc: ({inputs, attrs, backend}) => {
      const tensorflow = backend as TensorflowBackend;
      const tensors = inOrder(inputs, 'x', 'weight', 'dy');
      const attributes = [epsAttribute(tensorflow, attrs)];
      return tensorflow.executeMultipleOutputs(RmsNormGrad, attributes, tensors, 2);
    },
  },
];
