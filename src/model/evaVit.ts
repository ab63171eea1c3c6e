// The vision encoder: EVA-CLIP's ViT (paper 2.1; official code: models/eva_vit.py). Pixels are NCHW.
// B pictures, N patches + 1 (the class token), H heads, D head size, C width.
import tf from '#tfjs';
import {attention, gelu, linear, patchEmbedding} from '../kernels/index.js';
import {ConvStem, type ConvStemConfig} from './convStem.js';
import {LayerNorm, Linear, mergeHeads, splitHeads, type WeightSource} from './layers.js';
import {ListedWeights, recomputed} from './recompute.js';
import {traced} from './trace.js';

export interface VisionConfig {
  readonly imageSize: number; // pixels, square
  readonly patchSize: number;
  readonly layers: number;
  readonly width: number;
  readonly headWidth: number;
  readonly mlpRatio: number; // the MLP is floor(width · mlpRatio) wide
  readonly layerNormEps: number;
  /** In the place of the linear patch embedding (emu-mini only). */
  readonly stem?: ConvStemConfig | undefined;
}

class Attention {
  private readonly qkvWeight: tf.Tensor2D;
  private readonly qBias: tf.Tensor1D;
  private readonly vBias: tf.Tensor1D;
  private readonly proj: Linear;
  private readonly numHeads: number;
  private readonly scale: number;

  constructor(weights: WeightSource, {width, headWidth}: VisionConfig) {
    this.qkvWeight = weights.tensor('qkv.weight', [3 * width, width]) as tf.Tensor2D;
    this.qBias = weights.tensor('q_bias', [width]) as tf.Tensor1D;
    this.vBias = weights.tensor('v_bias', [width]) as tf.Tensor1D;
    this.proj = new Linear(weights.scope('proj'), width, width, {bias: true});
    this.numHeads = width / headWidth;
    this.scale = headWidth ** -0.5;
  }

  /** x [B, N, C] -> [B, N, C] */
  forward(x: tf.Tensor3D): tf.Tensor3D {
    const bias = tf.concat1d([this.qBias, tf.zerosLike(this.qBias), this.vBias]); // keys have no bias
    const [q, k, v] = tf
      .split(linear(x, this.qkvWeight, bias) as tf.Tensor3D, 3, 2)
      .map((part) => splitHeads(part as tf.Tensor3D, this.numHeads)) as [
      tf.Tensor4D,
      tf.Tensor4D,
      tf.Tensor4D,
    ];
    return this.proj.forward(mergeHeads(attention(q, k, v, {scale: this.scale, isCausal: false})));
  }
}

class Mlp {
  private readonly fc1: Linear;
  private readonly fc2: Linear;

  constructor(weights: WeightSource, {width, mlpRatio}: VisionConfig) {
    const hidden = Math.floor(width * mlpRatio);
    this.fc1 = new Linear(weights.scope('fc1'), width, hidden, {bias: true});
    this.fc2 = new Linear(weights.scope('fc2'), hidden, width, {bias: true});
  }

  forward(x: tf.Tensor3D): tf.Tensor3D {
    return this.fc2.forward(gelu(this.fc1.forward(x)));
  }
}

class Block {
  private readonly norm1: LayerNorm;
  private readonly attn: Attention;
  private readonly norm2: LayerNorm;
  private readonly mlp: Mlp;
  private readonly weights: readonly tf.Tensor[];

  constructor(
    source: WeightSource,
    config: VisionConfig,
    private readonly name: string,
  ) {
    const weights = new ListedWeights(source);
    this.norm1 = new LayerNorm(weights.scope('norm1'), config.width, config.layerNormEps);
    this.attn = new Attention(weights.scope('attn'), config);
    this.norm2 = new LayerNorm(weights.scope('norm2'), config.width, config.layerNormEps);
    this.mlp = new Mlp(weights.scope('mlp'), config);
    this.weights = weights.tensors;
  }

  forward(x: tf.Tensor3D): tf.Tensor3D {
    return recomputed(this.weights, {x}, ({x}) => this.transform(x));
  }

  private transform(x: tf.Tensor3D): tf.Tensor3D {
    return tf.tidy(() => {
      const normed = traced(`${this.name}.norm1`, this.norm1.forward(x));
      const attended = tf.add(
        x,
        traced(`${this.name}.attn`, this.attn.forward(normed)),
      ) as tf.Tensor3D;
      const mixed = this.mlp.forward(this.norm2.forward(attended));
      return traced(this.name, tf.add(attended, traced(`${this.name}.mlp`, mixed)) as tf.Tensor3D);
    });
  }
}

/** EVA's own patch embedding: one linear map of a patch's pixels. */
class PatchEmbedding {
  private readonly weight: tf.Tensor4D;
  private readonly bias: tf.Tensor1D;

  constructor(weights: WeightSource, {width, patchSize}: VisionConfig) {
    const shape = [width, 3, patchSize, patchSize];
    this.weight = weights.tensor('proj.weight', shape) as tf.Tensor4D;
    this.bias = weights.tensor('proj.bias', [width]) as tf.Tensor1D;
  }

  forward(pixels: tf.Tensor4D): tf.Tensor3D {
    return patchEmbedding(pixels, this.weight, this.bias);
  }
}

/** Pixels -> one hidden state a patch, the class token's first. No norm at the end: `ln_visual` is Emu's. */
export class EvaVit {
  private readonly clsToken: tf.Tensor3D;
  private readonly posEmbed: tf.Tensor3D;
  readonly patchEmbed: PatchEmbedding | ConvStem;
  private readonly blocks: readonly Block[];

  constructor(weights: WeightSource, config: VisionConfig) {
    const {imageSize, patchSize, width} = config;
    const numPatches = Math.floor(imageSize / patchSize) ** 2;
    this.clsToken = weights.tensor('cls_token', [1, 1, width]) as tf.Tensor3D;
    this.posEmbed = weights.tensor('pos_embed', [1, numPatches + 1, width]) as tf.Tensor3D;
    const patchWeights = weights.scope('patch_embed');
    this.patchEmbed = config.stem
      ? new ConvStem(patchWeights, config.stem, width, config.layerNormEps)
      : new PatchEmbedding(patchWeights, config);
    this.blocks = Array.from(
      {length: config.layers},
      (_, i) => new Block(weights.scope(`blocks.${i}`), config, `vit.blocks.${i}`),
    );
  }

  /** pixels [B, 3, size, size] -> [B, N, C] */
  forward(pixels: tf.Tensor4D): tf.Tensor3D {
    return tf.tidy(() => {
      const patches = traced('vit.patch_embed', this.patchEmbed.forward(pixels));
      const cls = tf.tile(this.clsToken, [pixels.shape[0], 1, 1]);
      let x = tf.add(tf.concat([cls, patches], 1), this.posEmbed) as tf.Tensor3D;
      traced('vit.embeddings', x);
      for (const block of this.blocks) x = block.forward(x);
      return traced('vit.final', x);
    });
  }
}
