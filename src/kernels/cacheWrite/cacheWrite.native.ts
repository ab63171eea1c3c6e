import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {nativeKernel} from '../native/nativeBackend.js';
import {CacheWrite, type CacheWriteAttrs} from './cacheWrite.js';

export const cacheWriteKernels: KernelConfig[] = [
  nativeKernel<{cache: TensorInfo; values: TensorInfo}, CacheWriteAttrs>(
    CacheWrite,
    ({inputs: {cache, values}, attrs: {position, rowStride}, backend}) => {
      const [numHeads, headDim] = cache.shape.slice(2) as [number, number];
      const [batch, seqLen] = values.shape as [number, number];
      const written = backend.sharedForWriting(cache, 'cacheWrite');
      const target = backend.floats(written);
      const source = backend.floats(values);
      const positionSize = numHeads * headDim;
      const rowSize = seqLen * positionSize;
      for (let row = 0; row < batch; row++) {
        const start = (row * rowStride + position) * positionSize;
        target.set(source.subarray(row * rowSize, (row + 1) * rowSize), start);
      }
      return written;
    },
  ),
];
