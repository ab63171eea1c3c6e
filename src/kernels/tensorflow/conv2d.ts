// Convolutions by ops of ours, on the CPU: the native backend's kernels.
import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {
  Conv2DInputGrad,
  type Conv2DInputGradAttrs,
  Conv2DWeightGrad,
  type Conv2DWeightGradAttrs,
} from '../conv2d/conv2d.grad.js';
import {Conv2D, type Conv2DAttrs} from '../conv2d/conv2d.js';
import {encodingCodes} from '../native/addon.js';
import {computesInBf16} from './computeType.js';
import {
  absentInputs,
  flagAttribute,
  sizeAttribute,
  tensorflowKernel,
  typeAttribute,
} from './customOp.js';
import {encodingOfData, inputAs} from './encodedWeights.js';
import {type RawOps, withRawOps} from './rawOps.js';
import type {TensorflowBackend} from './tensorflowBackend.js';

const windows = (
  backend: TensorflowBackend,
  {stride, padding, paddingEnd}: Pick<Conv2DAttrs, 'stride' | 'padding' | 'paddingEnd'>,
) => [
  sizeAttribute(backend, 'stride', stride),
  sizeAttribute(backend, 'padding', padding),
  sizeAttribute(backend, 'padding_end', paddingEnd),
  flagAttribute(backend, 'in_bf16', computesInBf16()),
];

/** The weight as the ops take it: stored numbers of two bytes in place, quantized ones decoded. */
function weightInput(ops: RawOps, backend: TensorflowBackend, weight: TensorInfo) {
  const encoding = encodingOfData(weight);
  const isStored = encoding === 'f16' || encoding === 'bf16';
  return {
    handle: isStored ? ops.input(weight) : inputAs(ops, weight, 'float32'),
    attributes: [
      typeAttribute(backend, 'T', isStored ? 'uint8' : 'float32'),
      sizeAttribute(backend, 'encoding', encodingCodes[isStored ? encoding : 'f32']),
    ],
  };
}

export const conv2dKernels: readonly KernelConfig[] = [
  tensorflowKernel<{x: TensorInfo; weight: TensorInfo; bias?: TensorInfo}, Conv2DAttrs>(
    Conv2D,
    ({inputs: {x, weight, bias}, attrs, backend}) =>
      withRawOps(backend, (ops) => {
        const {handle, attributes} = weightInput(ops, backend, weight);
        const addend = inputAs(ops, bias ?? absentInputs(backend).floats, 'float32');
        const inputs = [inputAs(ops, x, 'float32'), handle, addend];
        return ops.run(Conv2D, [...attributes, ...windows(backend, attrs)], inputs);
      }),
  ),
  tensorflowKernel<{dy: TensorInfo; weight: TensorInfo}, Conv2DInputGradAttrs>(
    Conv2DInputGrad,
    ({inputs: {dy, weight}, attrs, backend}) =>
      withRawOps(backend, (ops) => {
        const {handle, attributes} = weightInput(ops, backend, weight);
        const all = [
          ...attributes,
          ...windows(backend, attrs),
          sizeAttribute(backend, 'height', attrs.height),
          sizeAttribute(backend, 'width', attrs.width),
        ];
        return ops.run(Conv2DInputGrad, all, [ops.input(dy), handle]);
      }),
  ),
  tensorflowKernel<{x: TensorInfo; dy: TensorInfo}, Conv2DWeightGradAttrs>(
    Conv2DWeightGrad,
    ({inputs: {x, dy}, attrs, backend}) =>
      withRawOps(backend, (ops) => {
        const attributes = [
          ...windows(backend, attrs),
          sizeAttribute(backend, 'kernel_height', attrs.kernelHeight),
          sizeAttribute(backend, 'kernel_width', attrs.kernelWidth),
        ];
        return ops.run(Conv2DWeightGrad, attributes, [inputAs(ops, x, 'float32'), ops.input(dy)]);
      }),
  ),
];
