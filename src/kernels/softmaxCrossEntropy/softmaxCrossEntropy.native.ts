import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {nativeKernel} from '../native/nativeBackend.js';
import {SoftmaxCrossEntropyGrad} from './softmaxCrossEntropy.grad.js';
import {SoftmaxCrossEntropy, type SoftmaxCrossEntropyAttrs} from './softmaxCrossEntropy.js';

interface Inputs {
  logits: TensorInfo;
  labels: TensorInfo;
}

interface GradInputs extends Inputs {
  logSumExp: TensorInfo;
  dy: TensorInfo;
}

/** The labels with -1 where they are to be ignored, which is what the addon expects. */
function markIgnored(labels: Int32Array, ignoreIndex: number): Int32Array {
  return ignoreIndex < 0 ? labels : labels.map((label) => (label === ignoreIndex ? -1 : label));
}

export const softmaxCrossEntropyKernels: KernelConfig[] = [
  nativeKernel<Inputs, SoftmaxCrossEntropyAttrs>(
    SoftmaxCrossEntropy,
    ({inputs: {logits, labels}, attrs: {ignoreIndex}, backend}) => {
      const [rows, cols] = logits.shape as [number, number];
      const losses = backend.allocate([rows]);
      const logSumExp = backend.allocate([rows]);
      backend.addon.softmaxCrossEntropy(
        backend.floats(logits),
        markIgnored(backend.ints(labels), ignoreIndex),
        backend.floats(losses),
        backend.floats(logSumExp),
        rows,
        cols,
      );
      return [losses, logSumExp];
    },
  ),
  nativeKernel<GradInputs, SoftmaxCrossEntropyAttrs>(
    SoftmaxCrossEntropyGrad,
    ({inputs: {logits, labels, logSumExp, dy}, attrs: {ignoreIndex}, backend}) => {
      const [rows, cols] = logits.shape as [number, number];
      const dLogits = backend.allocate(logits.shape);
      backend.addon.softmaxCrossEntropyGrad(
        backend.floats(logits),
        markIgnored(backend.ints(labels), ignoreIndex),
        backend.floats(logSumExp),
        backend.floats(dy),
        backend.floats(dLogits),
        rows,
        cols,
      );
      return dLogits;
    },
  ),
];
