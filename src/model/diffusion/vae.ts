// The autoencoder between pictures and latents (AutoencoderKL of diffusers 0.15.1, models/vae.py). NCHW
// at the border where the official code has it, NHWC inside. B batch, H and W of the pixels, h and w of the
// latents (an 8th of them in Stable Diffusion), C channels, L latent channels.
import tf from '#tfjs';
import {attention} from '../../kernels/index.js';
import {Linear, mergeHeads, splitHeads, type WeightSource} from '../layers.js';
import {traced} from '../trace.js';
import {
  Conv2D,
  Downsample,
  GroupNorm,
  type Normalization,
  ResnetBlock,
  toNchw,
  toNhwc,
  tracedPicture,
  Upsample,
} from './layers.js';

export interface VaeConfig {
  readonly sampleSize: number; // H = W in training
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  /** Channels at each resolution, the finest first. */
  readonly blockChannels: readonly number[];
  readonly layersPerBlock: number;
  readonly normGroups: number;
  /** What latents are multiplied by before the UNet sees them. */
  readonly scalingFactor: number;
}

const NORM_EPS = 1e-6;
/** Bounds of the log variance, as in the official DiagonalGaussianDistribution. */
const [MIN_LOG_VARIANCE, MAX_LOG_VARIANCE] = [-30, 20];

/** Self-attention of the pixels with one head. */
class AttentionBlock {
  private readonly groupNorm: GroupNorm;
  private readonly query: Linear;
  private readonly key: Linear;
  private readonly value: Linear;
  private readonly projAttn: Linear;

  constructor(
    weights: WeightSource,
    channels: number,
    normalization: Normalization,
    private readonly name: string,
  ) {
    const linear = (name: string) =>
      new Linear(weights.scope(name), channels, channels, {bias: true});
    this.groupNorm = new GroupNorm(weights.scope('group_norm'), channels, normalization);
    this.query = linear('query');
    this.key = linear('key');
    this.value = linear('value');
    this.projAttn = linear('proj_attn');
  }

  /** [B, h, w, C] -> [B, h, w, C] */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const [batch, height, width, channels] = x.shape;
      const normed = this.groupNorm.forward(x);
      const pixels = tf.reshape<tf.Rank.R3>(normed, [batch, height * width, channels]);
      const [q, k, v] = [this.query, this.key, this.value].map((projection) =>
        splitHeads(projection.forward(pixels), 1),
      ) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
      const mixed = mergeHeads(attention(q, k, v, {scale: channels ** -0.5}));
      const out = tf.reshape<tf.Rank.R4>(this.projAttn.forward(mixed), x.shape);
      return tracedPicture(this.name, tf.add(x, out));
    });
  }
}

class MidBlock {
  private readonly resnets: readonly [ResnetBlock, ResnetBlock];
  private readonly attention: AttentionBlock;

  constructor(
    weights: WeightSource,
    channels: number,
    normalization: Normalization,
    private readonly name: string,
  ) {
    const sizes = {inChannels: channels, outChannels: channels};
    const resnet = (i: number) =>
      new ResnetBlock(weights.scope(`resnets.${i}`), sizes, normalization, `${name}.resnets.${i}`);
    this.resnets = [resnet(0), resnet(1)];
    this.attention = new AttentionBlock(
      weights.scope('attentions.0'),
      channels,
      normalization,
      `${name}.attentions.0`,
    );
  }

  /** [B, h, w, C] -> [B, h, w, C] */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const [first, second] = this.resnets;
      return tracedPicture(this.name, second.forward(this.attention.forward(first.forward(x))));
    });
  }
}

/** Residual blocks of one resolution, then the way to the next one, if any. */
class Block {
  private readonly resnets: readonly ResnetBlock[];

  constructor(
    weights: WeightSource,
    inChannels: number,
    outChannels: number,
    numLayers: number,
    normalization: Normalization,
    private readonly resample: Downsample | Upsample | undefined,
    private readonly name: string,
  ) {
    this.resnets = Array.from(
      {length: numLayers},
      (_, i) =>
        new ResnetBlock(
          weights.scope(`resnets.${i}`),
          {inChannels: i === 0 ? inChannels : outChannels, outChannels},
          normalization,
          `${name}.resnets.${i}`,
        ),
    );
  }

  /** [B, h, w, Cin] -> [B, h', w', C] */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const hidden = this.resnets.reduce((last, resnet) => resnet.forward(last), x);
      return tracedPicture(this.name, this.resample?.forward(hidden) ?? hidden);
    });
  }
}

/** What both halves end in: group norm, SiLU, convolution. */
class Head {
  private readonly norm: GroupNorm;
  private readonly conv: Conv2D;

  constructor(
    weights: WeightSource,
    inChannels: number,
    outChannels: number,
    normalization: Normalization,
    private readonly name: string,
  ) {
    this.norm = new GroupNorm(weights.scope('conv_norm_out'), inChannels, normalization);
    this.conv = new Conv2D(weights.scope('conv_out'), inChannels, outChannels, 3);
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    traced(`${this.name}.conv_norm_out`, x, (hidden) => toNchw(this.norm.forward(hidden)));
    const out = this.conv.forward(this.norm.forward(x, 'silu'));
    return tracedPicture(`${this.name}.conv_out`, out);
  }
}

class Encoder {
  private readonly convIn: Conv2D;
  private readonly blocks: readonly Block[];
  private readonly midBlock: MidBlock;
  private readonly head: Head;

  constructor(weights: WeightSource, config: VaeConfig, normalization: Normalization) {
    const {inChannels, latentChannels, blockChannels, layersPerBlock} = config;
    const name = 'vae.encoder';
    this.convIn = new Conv2D(weights.scope('conv_in'), inChannels, blockChannels[0]!, 3);
    this.blocks = blockChannels.map((channels, level) => {
      const own = weights.scope(`down_blocks.${level}`);
      const before = blockChannels[Math.max(0, level - 1)]!;
      const blockName = `${name}.down_blocks.${level}`;
      const isLast = level === blockChannels.length - 1;
      const down = () =>
        new Downsample(own.scope('downsamplers.0'), channels, 0, `${blockName}.downsamplers.0`);
      const resample = isLast ? undefined : down();
      return new Block(own, before, channels, layersPerBlock, normalization, resample, blockName);
    });
    const last = blockChannels.at(-1)!;
    const mid = weights.scope('mid_block');
    this.midBlock = new MidBlock(mid, last, normalization, `${name}.mid_block`);
    this.head = new Head(weights, last, 2 * latentChannels, normalization, name);
  }

  /** [B, H, W, 3] -> [B, h, w, 2L] */
  forward(pixels: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      let x = tracedPicture('vae.encoder.conv_in', this.convIn.forward(pixels));
      for (const block of this.blocks) x = block.forward(x);
      return this.head.forward(this.midBlock.forward(x));
    });
  }
}

class Decoder {
  private readonly convIn: Conv2D;
  private readonly midBlock: MidBlock;
  private readonly blocks: readonly Block[];
  private readonly head: Head;

  constructor(weights: WeightSource, config: VaeConfig, normalization: Normalization) {
    const {latentChannels, outChannels, blockChannels, layersPerBlock} = config;
    const name = 'vae.decoder';
    const coarsestFirst = [...blockChannels].reverse();
    const [first] = coarsestFirst as [number, ...number[]];
    this.convIn = new Conv2D(weights.scope('conv_in'), latentChannels, first, 3);
    const mid = weights.scope('mid_block');
    this.midBlock = new MidBlock(mid, first, normalization, `${name}.mid_block`);
    this.blocks = coarsestFirst.map((channels, i) => {
      const own = weights.scope(`up_blocks.${i}`);
      const before = coarsestFirst[Math.max(0, i - 1)]!;
      const blockName = `${name}.up_blocks.${i}`;
      const isLast = i === coarsestFirst.length - 1;
      const up = () =>
        new Upsample(own.scope('upsamplers.0'), channels, `${blockName}.upsamplers.0`);
      const resample = isLast ? undefined : up();
      const numLayers = layersPerBlock + 1;
      return new Block(own, before, channels, numLayers, normalization, resample, blockName);
    });
    this.head = new Head(weights, blockChannels[0]!, outChannels, normalization, name);
  }

  /** [B, h, w, L] -> [B, H, W, 3] */
  forward(latents: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      let x = tracedPicture('vae.decoder.conv_in', this.convIn.forward(latents));
      x = this.midBlock.forward(x);
      for (const block of this.blocks) x = block.forward(x);
      return this.head.forward(x);
    });
  }
}

export class Vae {
  private readonly encoder: Encoder;
  private readonly quantConv: Conv2D;
  private readonly postQuantConv: Conv2D;
  private readonly decoder: Decoder;

  constructor(
    weights: WeightSource,
    readonly config: VaeConfig,
  ) {
    const {latentChannels: size, normGroups: groups} = config;
    const normalization = {groups, eps: NORM_EPS};
    this.encoder = new Encoder(weights.scope('encoder'), config, normalization);
    this.quantConv = new Conv2D(weights.scope('quant_conv'), 2 * size, 2 * size, 1);
    this.postQuantConv = new Conv2D(weights.scope('post_quant_conv'), size, size, 1);
    this.decoder = new Decoder(weights.scope('decoder'), config, normalization);
  }

  /** Pixels -> edge length of a latent pixel: 8 in Stable Diffusion. */
  get factor(): number {
    return 2 ** (this.config.blockChannels.length - 1);
  }

  /**
   * The distribution of a picture's latents: pixels [B, 3, H, W] in [-1, 1] -> mean and log variance
   * [B, L, h, w] each
   */
  encode(pixels: tf.Tensor4D): {mean: tf.Tensor4D; logVariance: tf.Tensor4D} {
    return tf.tidy(() => {
      const both = this.quantConv.forward(this.encoder.forward(toNhwc(pixels)));
      const [mean, logVariance] = tf.split(traced('vae.quant_conv', toNchw(both)), 2, 1) as [
        tf.Tensor4D,
        tf.Tensor4D,
      ];
      return {
        mean,
        logVariance: tf.clipByValue(logVariance, MIN_LOG_VARIANCE, MAX_LOG_VARIANCE),
      };
    });
  }

  /**
   * Latents as the UNet sees them: pixels [B, 3, H, W] in [-1, 1] -> [B, L, h, w]. The distribution's mode,
   * or with standard normal `noise` [B, L, h, w] a sample of it.
   */
  toLatents(pixels: tf.Tensor4D, noise?: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const {mean, logVariance} = this.encode(pixels);
      const latents = noise ? tf.add(mean, tf.mul(tf.exp(tf.mul(logVariance, 0.5)), noise)) : mean;
      return tf.mul(latents, this.config.scalingFactor) as tf.Tensor4D;
    });
  }

  /** Latents of the autoencoder's own scale [B, L, h, w] -> pixels [B, 3, H, W], about [-1, 1] */
  decode(latents: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const x = tracedPicture('vae.post_quant_conv', this.postQuantConv.forward(toNhwc(latents)));
      return toNchw(this.decoder.forward(x));
    });
  }

  /** Latents as the UNet sees them [B, L, h, w] -> pictures [B, H, W, 3] in [0, 1] */
  toPictures(latents: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const pixels = this.decode(tf.div(latents, this.config.scalingFactor));
      const pictures = tf.clipByValue(tf.add(tf.div(toNhwc(pixels), 2), 0.5), 0, 1) as tf.Tensor4D;
      return traced('vae.pictures', pictures);
    });
  }
}
