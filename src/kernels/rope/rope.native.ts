import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {nativeKernel} from '../native/nativeBackend.js';
import {Rope, type RopeAttrs} from './rope.js';
import {ropeTableFor} from './ropeTable.js';

interface Inputs {
  x: TensorInfo;
  positions: TensorInfo;
}

export const ropeKernels: KernelConfig[] = [
  nativeKernel<Inputs, RopeAttrs>(
    Rope,
    ({inputs: {x, positions}, attrs: {base, isInverse}, backend}) => {
      const [batch, seqLen, numHeads, headDim] = x.shape as [number, number, number, number];
      const out = backend.allocate(x.shape);
      const rows = backend.ints(positions);
      const table = ropeTableFor(rows, headDim, base);
      backend.addon.rope(
        backend.floats(x),
        rows,
        table.cos,
        table.sin,
        backend.floats(out),
        batch * seqLen,
        numHeads,
        headDim,
        table.numPositions,
        isInverse,
      );
      return out;
    },
  ),
];
