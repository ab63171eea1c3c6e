import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {nativeKernel} from '../native/nativeBackend.js';
import {Patches, type PatchesAttrs} from './patchEmbedding.js';

// JavaScript is enough here: a picture has 150,000 numbers, and the product that follows reads each
// of them once per output channel.
export const patchesKernels: KernelConfig[] = [
  nativeKernel<{pixels: TensorInfo}, PatchesAttrs>(
    Patches,
    ({inputs: {pixels}, attrs: {patchSize}, backend}) => {
      const [batch, channels, height, width] = pixels.shape as [number, number, number, number];
      const rows = height / patchSize;
      const columns = width / patchSize;
      const out = backend.allocate([batch, rows * columns, channels * patchSize * patchSize]);
      const source = backend.floats(pixels);
      const target = backend.floats(out);
      let next = 0;
      for (let b = 0; b < batch; b++) {
        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++) {
            for (let c = 0; c < channels; c++) {
              const corner =
                ((b * channels + c) * height + row * patchSize) * width + column * patchSize;
              for (let y = 0; y < patchSize; y++) {
                const line = corner + y * width;
                for (let x = 0; x < patchSize; x++) target[next++] = source[line + x]!;
              }
            }
          }
        }
      }
      return out;
    },
  ),
];
