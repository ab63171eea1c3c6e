// Every kernel of the native backend. A new op adds its KernelConfig here.
import type {KernelConfig} from '@tensorflow/tfjs';
import {adamwKernel} from '../adamw/adamw.native.js';
import {attentionKernels} from '../attention/attention.native.js';
import {batchNormKernels} from '../batchNorm/batchNorm.native.js';
import {cacheWriteKernels} from '../cacheWrite/cacheWrite.native.js';
import {conv2dKernels} from '../conv2d/conv2d.native.js';
import {embeddingKernels} from '../embedding/embedding.native.js';
import {geluKernels} from '../gelu/gelu.native.js';
import {groupNormKernels} from '../groupNorm/groupNorm.native.js';
import {layerNormKernels} from '../layerNorm/layerNorm.native.js';
import {linearKernel} from '../linear/linear.native.js';
import {matMulKernel} from '../matMul/matMul.native.js';
import {patchesKernels} from '../patchEmbedding/patches.native.js';
import {rmsNormKernels} from '../rmsNorm/rmsNorm.native.js';
import {ropeKernels} from '../rope/rope.native.js';
import {siluGateKernels} from '../siluGate/siluGate.native.js';
import {softmaxCrossEntropyKernels} from '../softmaxCrossEntropy/softmaxCrossEntropy.native.js';
import {arithmeticKernels} from './stock/binary.native.js';
import {indexKernels} from './stock/index.native.js';
import {layoutKernels} from './stock/layout.native.js';
import {reduceKernels} from './stock/reduce.native.js';
import {unaryKernels} from './stock/unary.native.js';

export const nativeKernels: readonly KernelConfig[] = [
  adamwKernel,
  ...batchNormKernels,
  ...attentionKernels,
  ...cacheWriteKernels,
  ...conv2dKernels,
  ...embeddingKernels,
  ...geluKernels,
  ...groupNormKernels,
  ...layerNormKernels,
  linearKernel,
  matMulKernel,
  ...patchesKernels,
  ...rmsNormKernels,
  ...ropeKernels,
  ...siluGateKernels,
  ...softmaxCrossEntropyKernels,
  ...unaryKernels,
  ...arithmeticKernels,
  ...reduceKernels,
  ...layoutKernels,
  ...indexKernels,
];
