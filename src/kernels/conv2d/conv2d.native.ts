import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {nativeKernel} from '../native/nativeBackend.js';
import {
  Conv2DInputGrad,
  type Conv2DInputGradAttrs,
  Conv2DWeightGrad,
  type Conv2DWeightGradAttrs,
} from './conv2d.grad.js';
import {Conv2D, type Conv2DAttrs, conv2dSize} from './conv2d.js';

type Four = [number, number, number, number];

/** The addon's sizes, from the shapes of x and weight. */
function sizes(x: readonly number[], weight: readonly number[], attrs: Conv2DAttrs): Int32Array {
  const [outChannels, , kernelHeight, kernelWidth] = weight as Four;
  const {stride, padding, paddingEnd} = attrs;
  return Int32Array.of(...x, outChannels, kernelHeight, kernelWidth, stride, padding, paddingEnd);
}

/** Elements of the filter of one output channel, which the addon reads as one row. */
const filterSize = (weight: TensorInfo) => weight.shape.slice(1).reduce((a, b) => a * b, 1);

export const conv2dKernels: KernelConfig[] = [
  nativeKernel<{x: TensorInfo; weight: TensorInfo; bias?: TensorInfo}, Conv2DAttrs>(
    Conv2D,
    ({inputs: {x, weight, bias}, attrs, backend}) => {
      const [batch, height, width] = x.shape as Four;
      const [outChannels, , kernelHeight, kernelWidth] = weight.shape as Four;
      const out = backend.allocate([
        batch,
        conv2dSize(height, kernelHeight, attrs),
        conv2dSize(width, kernelWidth, attrs),
        outChannels,
      ]);
      const {bytes, encoding} = backend.weight(weight, {rowSize: filterSize(weight)});
      backend.addon.conv2d(
        backend.floats(x),
        bytes,
        encoding,
        bias ? backend.floats(bias) : null,
        backend.floats(out),
        sizes(x.shape, weight.shape, attrs),
      );
      return out;
    },
  ),

  nativeKernel<{dy: TensorInfo; weight: TensorInfo}, Conv2DInputGradAttrs>(
    Conv2DInputGrad,
    ({inputs: {dy, weight}, attrs, backend}) => {
      const dx = backend.allocate([dy.shape[0]!, attrs.height, attrs.width, weight.shape[1]!]);
      const {bytes, encoding} = backend.weight(weight, {rowSize: filterSize(weight)});
      backend.addon.conv2dInputGrad(
        backend.floats(dy),
        bytes,
        encoding,
        backend.floats(dx),
        sizes(dx.shape, weight.shape, attrs),
      );
      return dx;
    },
  ),

  nativeKernel<{x: TensorInfo; dy: TensorInfo}, Conv2DWeightGradAttrs>(
    Conv2DWeightGrad,
    ({inputs: {x, dy}, attrs, backend}) => {
      const {kernelHeight, kernelWidth} = attrs;
      const dWeight = backend.allocate([dy.shape[3]!, x.shape[3]!, kernelHeight, kernelWidth]);
      backend.addon.conv2dWeightGrad(
        backend.floats(x),
        backend.floats(dy),
        backend.floats(dWeight),
        sizes(x.shape, dWeight.shape, attrs),
      );
      return dWeight;
    },
  ),
];
