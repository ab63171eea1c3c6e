// The image decoder's UNet: Stable Diffusion 1.5's, its context being Emu's visual embeddings (paper 2.1;
// diffusers 0.15.1, models/unet_2d_condition.py and unet_2d_blocks.py). NCHW at the border, NHWC inside.
// B batch, h and w of the latents, C channels, N context tokens, K their size, E size of the time embedding.
import tf from '#tfjs';
import {ShapeError} from '../../kernels/index.js';
import {Linear, type WeightSource} from '../layers.js';
import {traced} from '../trace.js';
import {
  Conv2D,
  Downsample,
  GroupNorm,
  ResnetBlock,
  silu,
  toNchw,
  toNhwc,
  tracedPicture,
  Upsample,
} from './layers.js';
import {SpatialTransformer} from './spatialTransformer.js';

export interface UnetConfig {
  readonly sampleSize: number; // h = w in training
  readonly inChannels: number;
  readonly outChannels: number;
  /** Channels at each resolution, the finest first. */
  readonly blockChannels: readonly number[];
  /** Which of them attend, on the way down; on the way up in reverse. */
  readonly downAttention: readonly boolean[];
  readonly upAttention: readonly boolean[];
  readonly layersPerBlock: number;
  /** At every resolution. diffusers calls it attention_head_dim. */
  readonly numHeads: number;
  readonly contextSize: number; // cross_attention_dim
  readonly normGroups: number;
  readonly normEps: number;
  readonly downsamplePadding: number;
  /** Whether the cosines stand first in the time's embedding. */
  readonly flipSinToCos: boolean;
  readonly freqShift: number;
}

/** The time embedding is as many times as wide as the finest resolution's channels. */
const TIME_FACTOR = 4;
const MAX_PERIOD = 10_000;

/**
 * Sines and cosines of the timesteps, [B, size]. In float32 step by step, as the official code: a
 * rounding of the frequency is a phase of up to 6e-5 at timestep 999.
 */
function timestepEmbedding(
  timesteps: readonly number[],
  size: number,
  {flipSinToCos, freqShift}: UnetConfig,
): tf.Tensor2D {
  const {fround} = Math;
  const half = size / 2;
  const frequencies = Array.from({length: half}, (_, i) =>
    fround(Math.exp(fround(fround(-Math.log(MAX_PERIOD) * i) / (half - freqShift)))),
  );
  const rows = timesteps.map((timestep) => {
    const angles = frequencies.map((frequency) => fround(timestep * frequency));
    const [sines, cosines] = [angles.map(Math.sin), angles.map(Math.cos)];
    return flipSinToCos ? [...cosines, ...sines] : [...sines, ...cosines];
  });
  return tf.tensor2d(rows, [timesteps.length, size]);
}

/** Residual blocks, each with attention or not, between two resolutions. */
class Layers {
  readonly resnets: readonly ResnetBlock[];
  readonly attentions: readonly SpatialTransformer[];

  constructor(
    weights: WeightSource,
    inChannels: readonly number[],
    channels: number,
    numAttentions: number,
    config: UnetConfig,
    name: string,
  ) {
    const {numHeads, contextSize, normGroups: groups, normEps: eps, blockChannels} = config;
    const timeSize = TIME_FACTOR * blockChannels[0]!;
    this.resnets = inChannels.map(
      (size, i) =>
        new ResnetBlock(
          weights.scope(`resnets.${i}`),
          {inChannels: size, outChannels: channels, timeSize},
          {groups, eps},
          `${name}.resnets.${i}`,
        ),
    );
    const sizes = {channels, numHeads, contextSize, groups};
    this.attentions = Array.from(
      {length: numAttentions},
      (_, i) =>
        new SpatialTransformer(weights.scope(`attentions.${i}`), sizes, `${name}.attentions.${i}`),
    );
  }

  /** Layer i: x [B, h, w, Cin] -> [B, h, w, C] */
  forward(i: number, x: tf.Tensor4D, time: tf.Tensor2D, context: tf.Tensor3D): tf.Tensor4D {
    const hidden = this.resnets[i]!.forward(x, time);
    return this.attentions[i]?.forward(hidden, context) ?? hidden;
  }
}

class DownBlock {
  private readonly layers: Layers;
  private readonly downsample: Downsample | undefined;

  constructor(
    weights: WeightSource,
    level: number,
    config: UnetConfig,
    private readonly name: string,
  ) {
    const {blockChannels, layersPerBlock, downAttention, downsamplePadding} = config;
    const channels = blockChannels[level]!;
    const inputs = new Array<number>(layersPerBlock).fill(channels);
    inputs[0] = blockChannels[Math.max(0, level - 1)]!;
    const numAttentions = downAttention[level] ? layersPerBlock : 0;
    this.layers = new Layers(weights, inputs, channels, numAttentions, config, name);
    if (level < blockChannels.length - 1)
      this.downsample = new Downsample(
        weights.scope('downsamplers.0'),
        channels,
        downsamplePadding,
        `${name}.downsamplers.0`,
      );
  }

  /** x [B, h, w, Cin] -> every layer's output, the last one being the block's: [B, h/2, w/2, C] */
  forward(x: tf.Tensor4D, time: tf.Tensor2D, context: tf.Tensor3D): tf.Tensor4D[] {
    return tf.tidy(() => {
      const outputs: tf.Tensor4D[] = [];
      let hidden = x;
      for (const i of this.layers.resnets.keys()) {
        hidden = this.layers.forward(i, hidden, time, context);
        outputs.push(hidden);
      }
      if (this.downsample) outputs.push(this.downsample.forward(hidden));
      tracedPicture(this.name, outputs.at(-1)!);
      return outputs;
    });
  }
}

class MidBlock {
  private readonly layers: Layers;

  constructor(
    weights: WeightSource,
    config: UnetConfig,
    private readonly name: string,
  ) {
    const channels = config.blockChannels.at(-1)!;
    this.layers = new Layers(weights, [channels, channels], channels, 1, config, name);
  }

  /** [B, h, w, C] -> [B, h, w, C]; attention between the two residual blocks */
  forward(x: tf.Tensor4D, time: tf.Tensor2D, context: tf.Tensor3D): tf.Tensor4D {
    return tf.tidy(() => {
      const hidden = this.layers.forward(0, x, time, context);
      return tracedPicture(this.name, this.layers.forward(1, hidden, time, context));
    });
  }
}

class UpBlock {
  private readonly layers: Layers;
  private readonly upsample: Upsample | undefined;

  /** `index` counts up from the coarsest resolution. */
  constructor(
    weights: WeightSource,
    index: number,
    config: UnetConfig,
    private readonly name: string,
  ) {
    const {blockChannels, layersPerBlock, upAttention} = config;
    const level = blockChannels.length - 1 - index;
    const channels = blockChannels[level]!;
    const before = blockChannels[Math.min(level + 1, blockChannels.length - 1)]!;
    // What came in at this level on the way down is the last to be taken back.
    const first = blockChannels[Math.max(0, level - 1)]!;
    const inputs = Array.from({length: layersPerBlock + 1}, (_, i) => {
      const skip = i === layersPerBlock ? first : channels;
      return skip + (i === 0 ? before : channels);
    });
    const numAttentions = upAttention[index] ? inputs.length : 0;
    this.layers = new Layers(weights, inputs, channels, numAttentions, config, name);
    if (level > 0)
      this.upsample = new Upsample(weights.scope('upsamplers.0'), channels, `${name}.upsamplers.0`);
  }

  /** Skip connections that the block takes. */
  get numSkips(): number {
    return this.layers.resnets.length;
  }

  /** x [B, h, w, Cin], skips [B, h, w, ...], the last first -> [B, 2h, 2w, C] */
  forward(
    x: tf.Tensor4D,
    skips: readonly tf.Tensor4D[],
    time: tf.Tensor2D,
    context: tf.Tensor3D,
  ): tf.Tensor4D {
    return tf.tidy(() => {
      let hidden = x;
      for (const i of this.layers.resnets.keys()) {
        const joined = tf.concat([hidden, skips.at(-1 - i)!], 3);
        hidden = this.layers.forward(i, joined, time, context);
      }
      return tracedPicture(this.name, this.upsample?.forward(hidden) ?? hidden);
    });
  }
}

/** Predicts the noise in noisy latents. */
export class Unet {
  private readonly linear1: Linear;
  private readonly linear2: Linear;
  private readonly convIn: Conv2D;
  private readonly downBlocks: readonly DownBlock[];
  private readonly midBlock: MidBlock;
  private readonly upBlocks: readonly UpBlock[];
  private readonly convNormOut: GroupNorm;
  private readonly convOut: Conv2D;

  constructor(
    weights: WeightSource,
    readonly config: UnetConfig,
  ) {
    const {blockChannels, inChannels, outChannels, normGroups: groups, normEps: eps} = config;
    const channels = blockChannels[0]!;
    const timeSize = TIME_FACTOR * channels;
    const time = weights.scope('time_embedding');
    this.linear1 = new Linear(time.scope('linear_1'), channels, timeSize, {bias: true});
    this.linear2 = new Linear(time.scope('linear_2'), timeSize, timeSize, {bias: true});
    this.convIn = new Conv2D(weights.scope('conv_in'), inChannels, channels, 3);
    this.downBlocks = blockChannels.map(
      (_, level) =>
        new DownBlock(
          weights.scope(`down_blocks.${level}`),
          level,
          config,
          `unet.down_blocks.${level}`,
        ),
    );
    this.midBlock = new MidBlock(weights.scope('mid_block'), config, 'unet.mid_block');
    this.upBlocks = blockChannels.map(
      (_, i) => new UpBlock(weights.scope(`up_blocks.${i}`), i, config, `unet.up_blocks.${i}`),
    );
    this.convNormOut = new GroupNorm(weights.scope('conv_norm_out'), channels, {groups, eps});
    this.convOut = new Conv2D(weights.scope('conv_out'), channels, outChannels, 3);
  }

  /**
   * The noise in `latents` at their `timesteps`, one a sample: latents [B, inChannels, h, w], context
   * [B, N, K] -> [B, outChannels, h, w]. h and w are multiples of 2^(resolutions - 1).
   */
  forward(latents: tf.Tensor4D, timesteps: readonly number[], context: tf.Tensor3D): tf.Tensor4D {
    this.checkInputs(latents, timesteps, context);
    return tf.tidy(() => {
      const time = this.embedTime(timesteps);
      let hidden = tracedPicture('unet.conv_in', this.convIn.forward(toNhwc(latents)));
      const skips = [hidden];
      for (const block of this.downBlocks) {
        const outputs = block.forward(hidden, time, context);
        hidden = outputs.at(-1)!;
        skips.push(...outputs);
      }
      hidden = this.midBlock.forward(hidden, time, context);
      for (const block of this.upBlocks) {
        const own = skips.splice(-block.numSkips);
        hidden = block.forward(hidden, own, time, context);
      }
      traced('unet.conv_norm_out', hidden, (x) => toNchw(this.convNormOut.forward(x)));
      const noise = toNchw(this.convOut.forward(this.convNormOut.forward(hidden, 'silu')));
      return traced('unet.conv_out', noise);
    });
  }

  /** silu of the time embedding, which is all that the residual blocks use: [B, E] */
  private embedTime(timesteps: readonly number[]): tf.Tensor2D {
    const size = this.config.blockChannels[0]!;
    const waves = traced('unet.time_proj', timestepEmbedding(timesteps, size, this.config));
    const embedding = this.linear2.forward(silu(this.linear1.forward(waves)));
    return silu(traced('unet.time_embedding', embedding));
  }

  private checkInputs(
    latents: tf.Tensor4D,
    timesteps: readonly number[],
    context: tf.Tensor3D,
  ): void {
    const {inChannels, contextSize, blockChannels} = this.config;
    const [batch, channels, height, width] = latents.shape;
    const factor = 2 ** (blockChannels.length - 1);
    const fail = (argument: string, expected: string, actual: unknown) => {
      throw new ShapeError('unet', argument, expected, String(actual));
    };
    if (channels !== inChannels || height % factor !== 0 || width % factor !== 0)
      fail('latents', `[B, ${inChannels}, h, w], sides multiples of ${factor}`, latents.shape);
    if (timesteps.length !== batch) fail('timesteps', `${batch} numbers`, timesteps.length);
    if (context.shape[0] !== batch || context.shape[2] !== contextSize)
      fail('context', `[${batch}, N, ${contextSize}]`, context.shape);
  }
}
