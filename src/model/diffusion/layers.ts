// Layers that the UNet and the autoencoder share (diffusers 0.15.1, models/resnet.py). Pictures are NHWC
// here: B batch, h and w height and width, C channels, E size of the time embedding.
import tf from '#tfjs';
import {type Conv2DOptions, conv2d, groupNorm} from '../../kernels/index.js';
import {Linear, type WeightSource} from '../layers.js';
import {traced} from '../trace.js';

/** [B, C, h, w] -> [B, h, w, C] */
export function toNhwc(x: tf.Tensor4D): tf.Tensor4D {
  return tf.transpose(x, [0, 2, 3, 1]) as tf.Tensor4D;
}

/** [B, h, w, C] -> [B, C, h, w] */
export function toNchw(x: tf.Tensor4D): tf.Tensor4D {
  return tf.transpose(x, [0, 3, 1, 2]) as tf.Tensor4D;
}

/** A trace has pictures as PyTorch has them, NCHW. */
export function tracedPicture(name: string, x: tf.Tensor4D): tf.Tensor4D {
  return traced(name, x, toNchw);
}

/** x · sigmoid(x) */
export function silu<T extends tf.Tensor>(x: T): T {
  return tf.mul(x, tf.sigmoid(x));
}

/** Each pixel twice in both directions: [B, h, w, C] -> [B, 2h, 2w, C] */
export function upsampleNearest(x: tf.Tensor4D): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const columns = tf.reshape(tf.concat([x, x], 3), [batch, height, 2 * width * channels]);
  return tf.reshape(tf.concat([columns, columns], 2), [batch, 2 * height, 2 * width, channels]);
}

/** A square convolution with bias, weight [outChannels, inChannels, size, size]. */
export class Conv2D {
  private readonly weight: tf.Tensor4D;
  private readonly bias: tf.Tensor1D;

  constructor(
    weights: WeightSource,
    inChannels: number,
    outChannels: number,
    size: number,
    private readonly options: Conv2DOptions = {padding: (size - 1) / 2},
  ) {
    const shape = [outChannels, inChannels, size, size];
    this.weight = weights.tensor('weight', shape) as tf.Tensor4D;
    this.bias = weights.tensor('bias', [outChannels]) as tf.Tensor1D;
  }

  /** x [B, h, w, inChannels] -> [B, h', w', outChannels] */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    return conv2d(x, this.weight, this.bias, this.options);
  }
}

export interface Normalization {
  readonly groups: number;
  readonly eps: number;
}

export class GroupNorm {
  private readonly weight: tf.Tensor1D;
  private readonly bias: tf.Tensor1D;

  constructor(
    weights: WeightSource,
    channels: number,
    private readonly normalization: Normalization,
  ) {
    this.weight = weights.tensor('weight', [channels]) as tf.Tensor1D;
    this.bias = weights.tensor('bias', [channels]) as tf.Tensor1D;
  }

  /** x [B, h, w, C] -> [B, h, w, C] */
  forward(x: tf.Tensor4D, activation?: 'silu'): tf.Tensor4D {
    const options = {...this.normalization, ...(activation ? {activation} : {})};
    return groupNorm(x, this.weight, this.bias, options);
  }
}

export interface ResnetSizes {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Size of the time embedding; without one the block has none. */
  readonly timeSize?: number;
}

/** x + conv(silu(norm(conv(silu(norm(x))) + time))), where x passes a 1x1 convolution if C changes. */
export class ResnetBlock {
  private readonly norm1: GroupNorm;
  private readonly conv1: Conv2D;
  private readonly timeProj: Linear | undefined;
  private readonly norm2: GroupNorm;
  private readonly conv2: Conv2D;
  private readonly shortcut: Conv2D | undefined;

  constructor(
    weights: WeightSource,
    {inChannels, outChannels, timeSize}: ResnetSizes,
    normalization: Normalization,
    private readonly name: string,
  ) {
    this.norm1 = new GroupNorm(weights.scope('norm1'), inChannels, normalization);
    this.conv1 = new Conv2D(weights.scope('conv1'), inChannels, outChannels, 3);
    this.timeProj = timeSize
      ? new Linear(weights.scope('time_emb_proj'), timeSize, outChannels, {bias: true})
      : undefined;
    this.norm2 = new GroupNorm(weights.scope('norm2'), outChannels, normalization);
    this.conv2 = new Conv2D(weights.scope('conv2'), outChannels, outChannels, 3);
    this.shortcut =
      inChannels === outChannels
        ? undefined
        : new Conv2D(weights.scope('conv_shortcut'), inChannels, outChannels, 1);
  }

  /** x [B, h, w, C], silu of the time embedding [B, E] -> [B, h, w, outChannels] */
  forward(x: tf.Tensor4D, time?: tf.Tensor2D): tf.Tensor4D {
    return tf.tidy(() => {
      let hidden = this.conv1.forward(this.norm1.forward(x, 'silu'));
      if (this.timeProj && time) {
        const shift = this.timeProj.forward(time);
        hidden = tf.add(hidden, tf.reshape(shift, [shift.shape[0], 1, 1, shift.shape[1]]));
      }
      hidden = this.conv2.forward(this.norm2.forward(hidden, 'silu'));
      return tracedPicture(this.name, tf.add(this.shortcut?.forward(x) ?? x, hidden));
    });
  }
}

/** Twice as many pixels in both directions, then a 3x3 convolution. */
export class Upsample {
  private readonly conv: Conv2D;

  constructor(
    weights: WeightSource,
    channels: number,
    private readonly name: string,
  ) {
    this.conv = new Conv2D(weights.scope('conv'), channels, channels, 3);
  }

  /** [B, h, w, C] -> [B, 2h, 2w, C] */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => tracedPicture(this.name, this.conv.forward(upsampleNearest(x))));
  }
}

/** A 3x3 convolution of stride 2. Padding 0 means none above and left, one row and column below and right. */
export class Downsample {
  private readonly conv: Conv2D;

  constructor(
    weights: WeightSource,
    channels: number,
    padding: number,
    private readonly name: string,
  ) {
    const options = {stride: 2, padding, paddingEnd: padding === 0 ? 1 : padding};
    this.conv = new Conv2D(weights.scope('conv'), channels, channels, 3, options);
  }

  /** [B, h, w, C] -> [B, h/2, w/2, C] */
  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => tracedPicture(this.name, this.conv.forward(x)));
  }
}
