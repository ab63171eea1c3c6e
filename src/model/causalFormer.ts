// The causal transformer (C-Former): the decoder of T5 over learned tokens that read the picture by
// cross-attention (paper 2.1; official code: models/causal_former.py, T5Stack of transformers).
// B pictures, T learned tokens, N encoder states, H heads, D head size, C its width.
import tf from '#tfjs';
import {attention, embedding} from '../kernels/index.js';
import {Linear, mergeHeads, RmsNorm, splitHeads, type WeightSource} from './layers.js';
import {ListedWeights, recomputed} from './recompute.js';
import {traced} from './trace.js';

export interface CausalFormerConfig {
  readonly numTokens: number; // visual embeddings a picture
  readonly layers: number;
  readonly hiddenSize: number;
  readonly numHeads: number;
  readonly headDim: number; // numHeads · headDim need not be hiddenSize
  readonly intermediateSize: number;
  readonly relativeBuckets: number;
  readonly relativeMaxDistance: number;
  readonly rmsNormEps: number;
}

/**
 * T5's bucket of a distance into the past: one bucket a step up to half the buckets, then
 * logarithmically wider ones up to `maxDistance`. The logarithm is rounded to float32 as PyTorch does,
 * or some distances would fall into the neighbouring bucket.
 */
export function relativePositionBucket(
  distance: number,
  buckets: number,
  maxDistance: number,
): number {
  const past = Math.max(distance, 0);
  const exact = Math.floor(buckets / 2);
  if (past < exact) return past;
  const log = Math.fround(Math.log(Math.fround(past / exact)));
  const position = Math.fround(
    Math.fround(log / Math.log(maxDistance / exact)) * (buckets - exact),
  );
  return Math.min(exact + Math.floor(position), buckets - 1);
}

/** Buckets of every pair of query and key: int32 [T, T], row = query. */
export function relativePositionBuckets(
  numTokens: number,
  buckets: number,
  maxDistance: number,
): tf.Tensor2D {
  const table = new Int32Array(numTokens * numTokens);
  for (let query = 0; query < numTokens; query++)
    for (let key = 0; key < numTokens; key++)
      table[query * numTokens + key] = relativePositionBucket(query - key, buckets, maxDistance);
  return tf.tensor2d(table, [numTokens, numTokens], 'int32');
}

class Attention {
  private readonly q: Linear;
  private readonly k: Linear;
  private readonly v: Linear;
  private readonly o: Linear;

  constructor(
    weights: WeightSource,
    private readonly config: CausalFormerConfig,
    keySize: number,
    private readonly isCausal: boolean,
  ) {
    const {hiddenSize, numHeads, headDim} = config;
    const inner = numHeads * headDim;
    this.q = new Linear(weights.scope('q'), hiddenSize, inner, {bias: false});
    this.k = new Linear(weights.scope('k'), keySize, inner, {bias: false});
    this.v = new Linear(weights.scope('v'), keySize, inner, {bias: false});
    this.o = new Linear(weights.scope('o'), inner, hiddenSize, {bias: false});
  }

  /** x [B, T, C] attends to states [B, S, keySize]; bias [1, H, T, S]. T5 does not scale by 1/sqrt(D). */
  forward(x: tf.Tensor3D, states: tf.Tensor3D, bias?: tf.Tensor4D): tf.Tensor3D {
    const {numHeads} = this.config;
    const q = splitHeads(this.q.forward(x), numHeads);
    const k = splitHeads(this.k.forward(states), numHeads);
    const v = splitHeads(this.v.forward(states), numHeads);
    const attended = attention(q, k, v, {
      scale: 1,
      isCausal: this.isCausal,
      ...(bias ? {bias} : {}),
    });
    return this.o.forward(mergeHeads(attended));
  }
}

class Block {
  private readonly selfNorm: RmsNorm;
  private readonly selfAttention: Attention;
  private readonly crossNorm: RmsNorm;
  private readonly crossAttention: Attention;
  private readonly feedForwardNorm: RmsNorm;
  private readonly wi: Linear;
  private readonly wo: Linear;
  private readonly weights: readonly tf.Tensor[];

  constructor(
    source: WeightSource,
    config: CausalFormerConfig,
    visionWidth: number,
    private readonly name: string,
  ) {
    const {hiddenSize, intermediateSize, rmsNormEps} = config;
    const weights = new ListedWeights(source);
    const first = weights.scope('layer.0');
    const second = weights.scope('layer.1');
    const third = weights.scope('layer.2');
    this.selfNorm = new RmsNorm(first.scope('layer_norm'), hiddenSize, rmsNormEps);
    this.selfAttention = new Attention(first.scope('SelfAttention'), config, hiddenSize, true);
    this.crossNorm = new RmsNorm(second.scope('layer_norm'), hiddenSize, rmsNormEps);
    this.crossAttention = new Attention(
      second.scope('EncDecAttention'),
      config,
      visionWidth,
      false,
    );
    this.feedForwardNorm = new RmsNorm(third.scope('layer_norm'), hiddenSize, rmsNormEps);
    const dense = third.scope('DenseReluDense');
    this.wi = new Linear(dense.scope('wi'), hiddenSize, intermediateSize, {bias: false});
    this.wo = new Linear(dense.scope('wo'), intermediateSize, hiddenSize, {bias: false});
    this.weights = weights.tensors;
  }

  forward(x: tf.Tensor3D, states: tf.Tensor3D, bias: tf.Tensor4D): tf.Tensor3D {
    // A block's gradients of the states meet in its own copy first, recomputed or not: sums in one order.
    const own = tf.clone(states);
    return recomputed(this.weights, {x, states: own, bias}, ({x, states, bias}) =>
      this.transform(x, states, bias),
    );
  }

  private transform(x: tf.Tensor3D, states: tf.Tensor3D, bias: tf.Tensor4D): tf.Tensor3D {
    return tf.tidy(() => {
      const normed = this.selfNorm.forward(x);
      x = tf.add(x, this.selfAttention.forward(normed, normed, bias));
      traced(`${this.name}.self_attn`, x);
      x = tf.add(x, this.crossAttention.forward(this.crossNorm.forward(x), states));
      traced(`${this.name}.cross_attn`, x);
      const hidden = tf.relu(this.wi.forward(this.feedForwardNorm.forward(x)));
      return traced(`${this.name}.ff`, tf.add(x, this.wo.forward(hidden)) as tf.Tensor3D);
    });
  }
}

/** A picture's hidden states -> `numTokens` causal visual embeddings of the language model's width. */
export class CausalFormer {
  private readonly causalTokens: tf.Tensor3D;
  private readonly relativeBias: tf.Tensor2D;
  private readonly blocks: readonly Block[];
  private readonly finalNorm: RmsNorm;
  private readonly projection: Linear;

  constructor(
    weights: WeightSource,
    private readonly config: CausalFormerConfig,
    visionWidth: number,
    outputSize: number,
  ) {
    const {numTokens, hiddenSize, layers, numHeads, relativeBuckets, rmsNormEps} = config;
    this.causalTokens = weights.tensor('causal_tokens', [1, numTokens, hiddenSize]) as tf.Tensor3D;
    const stack = weights.scope('cformer');
    this.relativeBias = stack.tensor(
      'block.0.layer.0.SelfAttention.relative_attention_bias.weight',
      [relativeBuckets, numHeads],
    ) as tf.Tensor2D;
    this.blocks = Array.from(
      {length: layers},
      (_, i) => new Block(stack.scope(`block.${i}`), config, visionWidth, `cformer.block.${i}`),
    );
    this.finalNorm = new RmsNorm(stack.scope('final_layer_norm'), hiddenSize, rmsNormEps);
    this.projection = new Linear(weights.scope('projection'), hiddenSize, outputSize, {bias: true});
  }

  /** The self-attention bias that block 0 learned and all blocks share: [1, H, T, T]. */
  positionBias(): tf.Tensor4D {
    return tf.tidy(() => {
      const {numTokens, relativeBuckets, relativeMaxDistance} = this.config;
      const buckets = relativePositionBuckets(numTokens, relativeBuckets, relativeMaxDistance);
      const bias = embedding(buckets, this.relativeBias) as tf.Tensor3D; // [T, T, H]
      return tf.expandDims(tf.transpose(bias, [2, 0, 1]), 0) as tf.Tensor4D;
    });
  }

  /** states [B, N, visionWidth] -> [B, T, outputSize] */
  forward(states: tf.Tensor3D): tf.Tensor3D {
    return tf.tidy(() => {
      const bias = this.positionBias();
      let x = tf.tile(this.causalTokens, [states.shape[0], 1, 1]);
      for (const block of this.blocks) x = block.forward(x, states, bias);
      x = traced('cformer.final_layer_norm', this.finalNorm.forward(x));
      return traced('cformer.output', this.projection.forward(x));
    });
  }
}
