// Rows of a table, and their gradient, by TensorFlow's ops. Rows are looked up as they are stored, and decoded.
import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {EmbeddingGrad, type EmbeddingGradAttrs} from '../embedding/embedding.grad.js';
import {Embedding} from '../embedding/embedding.js';
import {tensorflowKernel} from './customOp.js';
import {decodeHandle, encodingOfData, inputAs} from './encodedWeights.js';
import {withRawOps} from './rawOps.js';

export const embeddingKernels: readonly KernelConfig[] = [
  tensorflowKernel<{ids: TensorInfo; table: TensorInfo}>(
    Embedding,
    ({inputs: {ids, table}, backend}) =>
      withRawOps(backend, (ops) => {
        // A reshaped weight may have other rows than its bytes.
        const isInRows = ops.input(table).shape[0] === table.shape[0];
        const stored = isInRows ? ops.input(table) : inputAs(ops, table, 'float32');
        const types = [
          {...ops.type('Tparams', 'float32'), value: stored.dtype},
          ops.type('Tindices', 'int32'),
          ops.type('Taxis', 'int32'),
        ];
        const rows = ops.run('GatherV2', types, [stored, ops.input(ids), ops.int(0)]);
        const encoding = isInRows ? encodingOfData(table) : 'f32';
        const numbers = decodeHandle(ops, rows, encoding, 'float32');
        return ops.reshape(numbers, [...ids.shape, table.shape[1]!]);
      }),
  ),
  tensorflowKernel<{ids: TensorInfo; dy: TensorInfo}, EmbeddingGradAttrs>(
    EmbeddingGrad,
    ({inputs: {ids, dy}, attrs: {numRows}, backend}) =>
      withRawOps(backend, (ops) => {
        const types = [
          ops.type('T', 'float32'),
          ops.type('Tindices', 'int32'),
          ops.type('Tnumsegments', 'int32'),
        ];
        const inputs = [inputAs(ops, dy, 'float32'), ops.input(ids), ops.int(numRows)];
        return ops.run('UnsortedSegmentSum', types, inputs);
      }),
  ),
];
