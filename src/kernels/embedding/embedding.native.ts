import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {nativeKernel} from '../native/nativeBackend.js';
import {EmbeddingGrad, type EmbeddingGradAttrs} from './embedding.grad.js';
import {Embedding} from './embedding.js';

export const embeddingKernels: KernelConfig[] = [
  nativeKernel<{ids: TensorInfo; table: TensorInfo}>(
    Embedding,
    ({inputs: {ids, table}, backend}) => {
      const [numRows, size] = table.shape as [number, number];
      const out = backend.allocate([...ids.shape, size]);
      const rows = backend.ints(ids);
      const {bytes, encoding} = backend.weight(table);
      const values = backend.floats(out);
      backend.addon.embedding(rows, bytes, encoding, values, rows.length, numRows, size);
      return out;
    },
  ),
  nativeKernel<{ids: TensorInfo; dy: TensorInfo}, EmbeddingGradAttrs>(
    EmbeddingGrad,
    ({inputs: {ids, dy}, attrs: {numRows}, backend}) => {
      const size = dy.shape.at(-1)!;
      const dTable = backend.allocate([numRows, size]);
      const rows = backend.ints(ids);
      const values = backend.floats(dTable);
      backend.addon.embeddingGrad(rows, backend.floats(dy), values, rows.length, numRows, size);
      return dTable;
    },
  ),
];
