// The attention layer of the UNet (diffusers 0.15.1, models/transformer_2d.py and attention.py): the pixels
// attend to each other, then to the context. Pictures are NHWC. B batch, h and w height and width,
// T = h · w pixels, C channels, N context tokens, K size of the context, H heads, D head size.
import tf from '#tfjs';
import {attention, gelu} from '../../kernels/index.js';
import {LayerNorm, Linear, mergeHeads, splitHeads, type WeightSource} from '../layers.js';
import {traced} from '../trace.js';
import {Conv2D, GroupNorm, tracedPicture} from './layers.js';

/** torch's default for layer norms. */
const LAYER_NORM_EPS = 1e-5;
/** Of the transformer's own group norm, whatever that of the residual blocks is. */
const GROUP_NORM_EPS = 1e-6;
/** The feed-forward layer is as many times as wide as the residual stream. */
const FEED_FORWARD_FACTOR = 4;

export interface SpatialTransformerSizes {
  readonly channels: number;
  readonly numHeads: number;
  readonly contextSize: number;
  readonly groups: number;
}

class Attention {
  private readonly toQ: Linear;
  private readonly toK: Linear;
  private readonly toV: Linear;
  private readonly toOut: Linear;
  private readonly scale: number;

  constructor(
    weights: WeightSource,
    channels: number,
    contextSize: number,
    private readonly numHeads: number,
  ) {
    this.toQ = new Linear(weights.scope('to_q'), channels, channels, {bias: false});
    this.toK = new Linear(weights.scope('to_k'), contextSize, channels, {bias: false});
    this.toV = new Linear(weights.scope('to_v'), contextSize, channels, {bias: false});
    this.toOut = new Linear(weights.scope('to_out.0'), channels, channels, {bias: true});
    this.scale = (channels / numHeads) ** -0.5;
  }

  /** x [B, T, C], context [B, N, K] -> [B, T, C] */
  forward(x: tf.Tensor3D, context: tf.Tensor3D): tf.Tensor3D {
    const q = splitHeads(this.toQ.forward(x), this.numHeads); // [B, T, H, D]
    const k = splitHeads(this.toK.forward(context), this.numHeads);
    const v = splitHeads(this.toV.forward(context), this.numHeads);
    return this.toOut.forward(mergeHeads(attention(q, k, v, {scale: this.scale})));
  }
}

/** GEGLU (arXiv 2002.05202): a · gelu(b), a and b the halves of one linear map; then a linear map back. */
class FeedForward {
  private readonly proj: Linear;
  private readonly out: Linear;

  constructor(weights: WeightSource, channels: number) {
    const hidden = FEED_FORWARD_FACTOR * channels;
    this.proj = new Linear(weights.scope('net.0.proj'), channels, 2 * hidden, {bias: true});
    this.out = new Linear(weights.scope('net.2'), hidden, channels, {bias: true});
  }

  forward(x: tf.Tensor3D): tf.Tensor3D {
    const [hidden, gate] = tf.split(this.proj.forward(x), 2, 2) as [tf.Tensor3D, tf.Tensor3D];
    return this.out.forward(tf.mul(hidden, gelu(gate)));
  }
}

class TransformerBlock {
  private readonly norm1: LayerNorm;
  private readonly attn1: Attention;
  private readonly norm2: LayerNorm;
  private readonly attn2: Attention;
  private readonly norm3: LayerNorm;
  private readonly ff: FeedForward;

  constructor(
    weights: WeightSource,
    {channels, numHeads, contextSize}: SpatialTransformerSizes,
    private readonly name: string,
  ) {
    const norm = (name: string) => new LayerNorm(weights.scope(name), channels, LAYER_NORM_EPS);
    this.norm1 = norm('norm1');
    this.attn1 = new Attention(weights.scope('attn1'), channels, channels, numHeads);
    this.norm2 = norm('norm2');
    this.attn2 = new Attention(weights.scope('attn2'), channels, contextSize, numHeads);
    this.norm3 = norm('norm3');
    this.ff = new FeedForward(weights.scope('ff'), channels);
  }

  /** x [B, T, C], context [B, N, K] -> [B, T, C] */
  forward(x: tf.Tensor3D, context: tf.Tensor3D): tf.Tensor3D {
    return tf.tidy(() => {
      const add = (hidden: tf.Tensor3D, part: string, branch: tf.Tensor3D): tf.Tensor3D =>
        tf.add(hidden, traced(`${this.name}.${part}`, branch));
      const pixels = this.norm1.forward(x);
      let hidden = add(x, 'attn1', this.attn1.forward(pixels, pixels));
      hidden = add(hidden, 'attn2', this.attn2.forward(this.norm2.forward(hidden), context));
      hidden = add(hidden, 'ff', this.ff.forward(this.norm3.forward(hidden)));
      return traced(this.name, hidden);
    });
  }
}

export class SpatialTransformer {
  private readonly norm: GroupNorm;
  private readonly projIn: Conv2D;
  private readonly block: TransformerBlock;
  private readonly projOut: Conv2D;

  constructor(
    weights: WeightSource,
    sizes: SpatialTransformerSizes,
    private readonly name: string,
  ) {
    const {channels, groups} = sizes;
    this.norm = new GroupNorm(weights.scope('norm'), channels, {groups, eps: GROUP_NORM_EPS});
    this.projIn = new Conv2D(weights.scope('proj_in'), channels, channels, 1);
    const block = weights.scope('transformer_blocks.0');
    this.block = new TransformerBlock(block, sizes, `${name}.tb`);
    this.projOut = new Conv2D(weights.scope('proj_out'), channels, channels, 1);
  }

  /** x [B, h, w, C], context [B, N, K] -> [B, h, w, C] */
  forward(x: tf.Tensor4D, context: tf.Tensor3D): tf.Tensor4D {
    return tf.tidy(() => {
      const [batch, height, width, channels] = x.shape;
      const normed = tracedPicture(`${this.name}.norm`, this.norm.forward(x));
      const projected = tracedPicture(`${this.name}.proj_in`, this.projIn.forward(normed));
      const pixels = tf.reshape<tf.Rank.R3>(projected, [batch, height * width, channels]);
      const mixed = tf.reshape<tf.Rank.R4>(this.block.forward(pixels, context), x.shape);
      return tracedPicture(this.name, tf.add(x, this.projOut.forward(mixed)));
    });
  }
}
