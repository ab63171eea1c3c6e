// The kernels of the backend `tensorflow`. An op without one runs its reference composition, of TensorFlow's
// ops; on a GPU an op of ours would have every tensor brought to the host.
import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {Adamw, type AdamwAttrs} from '../adamw/adamw.js';
import {CacheWrite, type CacheWriteAttrs} from '../cacheWrite/cacheWrite.js';
import {GeluGrad} from '../gelu/gelu.grad.js';
import {Gelu} from '../gelu/gelu.js';
import {GroupNormGrad} from '../groupNorm/groupNorm.grad.js';
import {GroupNorm, type GroupNormAttrs} from '../groupNorm/groupNorm.js';
import {LayerNormGrad} from '../layerNorm/layerNorm.grad.js';
import {LayerNorm} from '../layerNorm/layerNorm.js';
import {Patches, type PatchesAttrs} from '../patchEmbedding/patchEmbedding.js';
import {RmsNormGrad} from '../rmsNorm/rmsNorm.grad.js';
import {RmsNorm} from '../rmsNorm/rmsNorm.js';
import {Rope, type RopeAttrs} from '../rope/rope.js';
import {type RopeTable, ropeTableFor} from '../rope/ropeTable.js';
import {SiluGateGrad} from '../siluGate/siluGate.grad.js';
import {SiluGate} from '../siluGate/siluGate.js';
import {SoftmaxCrossEntropyGrad} from '../softmaxCrossEntropy/softmaxCrossEntropy.grad.js';
import {
  SoftmaxCrossEntropy,
  type SoftmaxCrossEntropyAttrs,
} from '../softmaxCrossEntropy/softmaxCrossEntropy.js';
import {attentionKernels} from './attention.js';
import {batchNormKernels} from './batchNorm.js';
import {conv2dKernels} from './conv2d.js';
import {
  flagAttribute,
  floatAttribute,
  inOrder,
  type NamedInputs,
  sizeAttribute,
  tensorflowKernel,
  upload,
  withUpload,
} from './customOp.js';
import {embeddingKernels} from './embedding.js';
import {productKernels} from './products.js';
import type {TensorflowBackend} from './tensorflowBackend.js';

/** An op whose inputs are `names` in this order, and whose only attribute, if any, is eps. */
function simpleKernel(op: string, names: readonly string[], numOutputs = 1): KernelConfig {
  return tensorflowKernel<NamedInputs, {eps?: number}>(op, ({inputs, attrs: {eps}, backend}) => {
    const tensors = inOrder(inputs, names);
    const attributes = eps === undefined ? [] : [floatAttribute(backend, 'eps', eps)];
    return numOutputs === 1
      ? backend.executeSingleOutput(op, attributes, tensors)
      : backend.executeMultipleOutputs(op, attributes, tensors, numOutputs);
  });
}

const groupNormKernels = [
  tensorflowKernel<NamedInputs, GroupNormAttrs>(GroupNorm, ({inputs, attrs, backend}) => {
    const attributes = [
      sizeAttribute(backend, 'groups', attrs.groups),
      floatAttribute(backend, 'eps', attrs.eps),
      flagAttribute(backend, 'has_silu', attrs.activation === 'silu'),
    ];
    const tensors = inOrder(inputs, ['x', 'weight', 'bias']);
    return backend.executeMultipleOutputs(GroupNorm, attributes, tensors, 3);
  }),
  tensorflowKernel<NamedInputs, GroupNormAttrs>(GroupNormGrad, ({inputs, attrs, backend}) => {
    const attributes = [
      sizeAttribute(backend, 'groups', attrs.groups),
      flagAttribute(backend, 'has_silu', attrs.activation === 'silu'),
    ];
    const names = ['x', 'weight', 'bias', 'mean', 'inverseStd', 'dy'];
    const tensors = inOrder(inputs, names);
    return backend.executeMultipleOutputs(GroupNormGrad, attributes, tensors, 3);
  }),
];

/** The tables as tensors, which stay as long as they do. */
const ropeTables = new WeakMap<RopeTable, [cos: TensorInfo, sin: TensorInfo]>();

function uploadedTable(backend: TensorflowBackend, table: RopeTable): [TensorInfo, TensorInfo] {
  const known = ropeTables.get(table);
  if (known) return known;
  const shape = [table.numPositions, table.cos.length / table.numPositions];
  const uploaded: [TensorInfo, TensorInfo] = [
    upload(backend, table.cos, shape),
    upload(backend, table.sin, shape),
  ];
  ropeTables.set(table, uploaded);
  return uploaded;
}

const ropeKernel = tensorflowKernel<NamedInputs, RopeAttrs>(Rope, ({inputs, attrs, backend}) => {
  const {x, positions} = inputs as {x: TensorInfo; positions: TensorInfo};
  const rows = backend.readSync(positions.dataId) as Int32Array;
  const [cos, sin] = uploadedTable(backend, ropeTableFor(rows, x.shape[3]!, attrs.base));
  const isInverse = flagAttribute(backend, 'is_inverse', attrs.isInverse);
  return backend.executeSingleOutput(Rope, [isInverse], [x, positions, cos, sin]);
});

/** Runs `body` with labels of which those below 0 are to be ignored, as the ops expect it. */
function withLabels<T>(
  backend: TensorflowBackend,
  labels: TensorInfo,
  {ignoreIndex}: SoftmaxCrossEntropyAttrs,
  body: (labels: TensorInfo) => T,
): T {
  if (ignoreIndex < 0) return body(labels);
  const numbers = backend.readSync(labels.dataId) as Int32Array;
  const marked = numbers.map((label) => (label === ignoreIndex ? -1 : label));
  return withUpload(backend, marked, body);
}

const softmaxCrossEntropyKernels = [
  tensorflowKernel<NamedInputs, SoftmaxCrossEntropyAttrs>(
    SoftmaxCrossEntropy,
    ({inputs, attrs, backend}) =>
      withLabels(backend, inputs.labels!, attrs, (labels) =>
        backend.executeMultipleOutputs(SoftmaxCrossEntropy, [], [inputs.logits!, labels], 2),
      ),
  ),
  tensorflowKernel<NamedInputs, SoftmaxCrossEntropyAttrs>(
    SoftmaxCrossEntropyGrad,
    ({inputs: {logits, labels, logSumExp, dy}, attrs, backend}) =>
      withLabels(backend, labels!, attrs, (marked) =>
        backend.executeSingleOutput(
          SoftmaxCrossEntropyGrad,
          [],
          [logits!, marked, logSumExp!, dy!],
        ),
      ),
  ),
];

/** Its numbers change from step to step: attributes would have TensorFlow keep a kernel for each. */
const adamwKernel = tensorflowKernel<NamedInputs, AdamwAttrs>(Adamw, ({inputs, attrs, backend}) => {
  const {beta1, beta2, eps, decay, rate, correction, scale} = attrs;
  const numbers = [1 - beta1, beta2, 1 - beta2, eps, decay, rate, correction, scale];
  const tensors = inOrder(inputs, ['parameter', 'm', 'v', 'grad']);
  return withUpload(backend, Float32Array.from(numbers), (uploaded) =>
    backend.executeMultipleOutputs(Adamw, [], [...tensors, uploaded], 3),
  );
});

const cacheWriteKernel = tensorflowKernel<NamedInputs, CacheWriteAttrs>(
  CacheWrite,
  ({inputs: {cache, values}, attrs, backend}) =>
    withUpload(backend, Int32Array.of(attrs.position, attrs.rowStride), (places) =>
      backend.executeSingleOutput(CacheWrite, [], [cache!, values!, places]),
    ),
);

/** By ops of our library, which compute on the CPU. */
const ownKernels: readonly KernelConfig[] = [
  adamwKernel,
  ...attentionKernels,
  ...batchNormKernels,
  cacheWriteKernel,
  ...conv2dKernels,
  simpleKernel(Gelu, ['x']),
  simpleKernel(GeluGrad, ['x', 'dy']),
  ...groupNormKernels,
  simpleKernel(LayerNorm, ['x', 'weight', 'bias']),
  simpleKernel(LayerNormGrad, ['x', 'weight', 'dy'], 3),
  tensorflowKernel<NamedInputs, PatchesAttrs>(Patches, ({inputs: {pixels}, attrs, backend}) => {
    const attributes = [sizeAttribute(backend, 'patch_size', attrs.patchSize)];
    return backend.executeSingleOutput(Patches, attributes, [pixels!]);
  }),
  simpleKernel(RmsNorm, ['x', 'weight']),
  simpleKernel(RmsNormGrad, ['x', 'weight', 'dy'], 2),
  ropeKernel,
  simpleKernel(SiluGate, ['gate', 'up']),
  simpleKernel(SiluGateGrad, ['gate', 'up', 'dy'], 2),
  ...softmaxCrossEntropyKernels,
];

/** The kernels of this backend; without our library, or with tensors on a GPU, those of TensorFlow's ops alone. */
export function tensorflowKernels(hasOwnOps: boolean): KernelConfig[] {
  const everywhere = [...embeddingKernels, ...productKernels(hasOwnOps)];
  return hasOwnOps ? [...everywhere, ...ownKernels] : everywhere;
}
