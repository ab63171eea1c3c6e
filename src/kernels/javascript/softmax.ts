import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {cpuKernel, floats, makeFloats} from './cpuKernel.js';

/** Over the last dimension, as tf.softmax asks for it. */
export const softmaxKernel = (): KernelConfig =>
  cpuKernel<{logits: TensorInfo}>('Softmax', ({inputs: {logits}, backend}) => {
    const values = floats(backend, logits);
    const out = makeFloats(backend, logits.shape);
    const length = logits.shape.at(-1) ?? 1;
    for (let row = 0; row < values.length; row += length) {
      const end = row + length;
      let max = Number.NEGATIVE_INFINITY;
      for (let i = row; i < end; i++) if (values[i]! > max) max = values[i]!;
      let sum = 0;
      for (let i = row; i < end; i++) {
        out.values[i] = Math.exp(values[i]! - max);
        sum += out.values[i]!;
      }
      for (let i = row; i < end; i++) out.values[i] = out.values[i]! / sum;
    }
    return out.info;
  });
