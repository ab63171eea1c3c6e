// Layers that more than one tower uses. B batch, T tokens, H heads, D head size, C hidden size.
import tf from '#tfjs';
import {layerNorm, linear, rmsNorm} from '../kernels/index.js';

/**
 * Where a tower gets its weights: a checkpoint, variables being trained, or random values. Names are
 * the checkpoint's own paths; a wrong or missing one throws, naming the file.
 */
export interface WeightSource {
  /** The tensor of that name, of exactly that shape. */
  tensor(name: string, shape: readonly number[]): tf.Tensor;
  /** The same source under `prefix.`. */
  scope(prefix: string): WeightSource;
}

/** y = x Wᵀ + b: weight `[outSize, inSize]` in any encoding, as PyTorch stores it. */
export class Linear {
  private readonly weight: tf.Tensor2D;
  private readonly bias: tf.Tensor1D | undefined;

  constructor(weights: WeightSource, inSize: number, outSize: number, options: {bias: boolean}) {
    this.weight = weights.tensor('weight', [outSize, inSize]) as tf.Tensor2D;
    this.bias = options.bias ? (weights.tensor('bias', [outSize]) as tf.Tensor1D) : undefined;
  }

  /** x [..., inSize] -> [..., outSize] */
  forward<T extends tf.Tensor>(x: T): T {
    return linear(x, this.weight, this.bias) as T;
  }
}

export class LayerNorm {
  private readonly weight: tf.Tensor1D;
  private readonly bias: tf.Tensor1D;

  constructor(
    weights: WeightSource,
    size: number,
    private readonly eps: number,
  ) {
    this.weight = weights.tensor('weight', [size]) as tf.Tensor1D;
    this.bias = weights.tensor('bias', [size]) as tf.Tensor1D;
  }

  forward<T extends tf.Tensor>(x: T): T {
    return layerNorm(x, this.weight, this.bias, this.eps) as T;
  }
}

export class RmsNorm {
  private readonly weight: tf.Tensor1D;

  constructor(
    weights: WeightSource,
    size: number,
    private readonly eps: number,
  ) {
    this.weight = weights.tensor('weight', [size]) as tf.Tensor1D;
  }

  forward<T extends tf.Tensor>(x: T): T {
    return rmsNorm(x, this.weight, this.eps) as T;
  }
}

/** [B, T, H·D] -> [B, T, H, D] */
export function splitHeads(x: tf.Tensor3D, numHeads: number): tf.Tensor4D {
  const [batch, seqLen, size] = x.shape;
  return tf.reshape<tf.Rank.R4>(x, [batch, seqLen, numHeads, size / numHeads]);
}

/** [B, T, H, D] -> [B, T, H·D] */
export function mergeHeads(x: tf.Tensor4D): tf.Tensor3D {
  const [batch, seqLen, numHeads, headDim] = x.shape;
  return tf.reshape<tf.Rank.R3>(x, [batch, seqLen, numHeads * headDim]);
}
