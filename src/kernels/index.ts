// Importing the gradients registers them.
import './attention/attention.grad.js';
import './batchNorm/batchNorm.grad.js';
import './conv2d/conv2d.grad.js';
import './embedding/embedding.grad.js';
import './gelu/gelu.grad.js';
import './groupNorm/groupNorm.grad.js';
import './layerNorm/layerNorm.grad.js';
import './linear/linear.grad.js';
import './matMul/matMul.grad.js';
import './patchEmbedding/patches.grad.js';
import './rmsNorm/rmsNorm.grad.js';
import './rope/rope.grad.js';
import './siluGate/siluGate.grad.js';
import './softmaxCrossEntropy/softmaxCrossEntropy.grad.js';
import './tile/tile.grad.js';

export {type AdamwStep, adamwStep} from './adamw/adamw.js';
export {sumOfSquares} from './adamw/sumOfSquares.js';
export {type AttentionOptions, attention} from './attention/attention.js';
export {
  type Activation,
  batchNorm,
  batchNormInference,
  batchNormMoments,
  batchNormWithMoments,
  type Moments,
} from './batchNorm/batchNorm.js';
export {cacheWrite} from './cacheWrite/cacheWrite.js';
export {ShapeError} from './checkShape.js';
export {type Conv2DOptions, conv2d} from './conv2d/conv2d.js';
export {embedding} from './embedding/embedding.js';
export {gelu} from './gelu/gelu.js';
export {type GroupNormOptions, groupNorm} from './groupNorm/groupNorm.js';
export {layerNorm} from './layerNorm/layerNorm.js';
export {linear} from './linear/linear.js';
export {patchEmbedding} from './patchEmbedding/patchEmbedding.js';
export {rmsNorm} from './rmsNorm/rmsNorm.js';
export {rope} from './rope/rope.js';
export {siluGate} from './siluGate/siluGate.js';
export {softmaxCrossEntropy} from './softmaxCrossEntropy/softmaxCrossEntropy.js';
