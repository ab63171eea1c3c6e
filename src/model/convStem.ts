// A convolutional stem in the place of the linear patch embedding, for small models trained from nothing:
// strided 3x3 convolutions see edges before tokens do (arXiv 2106.14881). Not in the released Emu.
// B pictures, h and w of the current resolution, C channels. NHWC inside.
import tf from '#tfjs';
import {batchNormInference, batchNormWithMoments, conv2d, type Moments} from '../kernels/index.js';
import {LayerNorm, Linear, type WeightSource} from './layers.js';

export interface ConvStemConfig {
  /** Channels after each convolution of stride 2: as many as patchSize has factors of 2. */
  readonly channels: readonly number[];
  /** Residual blocks after each of them. */
  readonly blocks: readonly number[];
  readonly batchNormEps: number;
}

/** Share of a batch's statistics in the running ones (PyTorch's momentum). */
const MOMENTUM = 0.1;

/**
 * Where batch normalization takes its statistics from, shared by all layers of a model. batch: from the
 * batch, which also moves the running ones.
 */
export interface NormalizationMode {
  statistics: 'running' | 'batch';
}

class BatchNorm {
  private readonly weight: tf.Tensor1D;
  private readonly bias: tf.Tensor1D;
  private readonly mean: tf.Tensor1D;
  private readonly variance: tf.Tensor1D;

  constructor(
    weights: WeightSource,
    channels: number,
    private readonly eps: number,
    private readonly mode: NormalizationMode,
  ) {
    this.weight = weights.tensor('weight', [channels]) as tf.Tensor1D;
    this.bias = weights.tensor('bias', [channels]) as tf.Tensor1D;
    this.mean = weights.tensor('running_mean', [channels]) as tf.Tensor1D;
    this.variance = weights.tensor('running_var', [channels]) as tf.Tensor1D;
  }

  /** x [B, h, w, C] -> [B, h, w, C] */
  forward(x: tf.Tensor4D, activation?: 'relu'): tf.Tensor4D {
    const {weight, bias, mean, variance, eps} = this;
    if (this.mode.statistics === 'running')
      return batchNormInference(x, mean, variance, weight, bias, eps, activation);
    const {y, ...now} = batchNormWithMoments(x, weight, bias, eps, activation);
    this.observe(now);
    return y;
  }

  private observe(now: Moments): void {
    tf.tidy(() => {
      for (const [running, fresh] of [
        [this.mean, now.mean],
        [this.variance, now.variance],
      ] as [tf.Variable<tf.Rank.R1>, tf.Tensor1D][])
        running.assign(tf.add(tf.mul(running, 1 - MOMENTUM), tf.mul(fresh, MOMENTUM)));
    });
  }
}

/** 3x3 convolution, batch normalization, ReLU. */
class ConvNorm {
  private readonly kernel: tf.Tensor4D;
  readonly norm: BatchNorm;

  constructor(
    weights: WeightSource,
    inChannels: number,
    outChannels: number,
    private readonly stride: number,
    config: ConvStemConfig,
    mode: NormalizationMode,
  ) {
    this.kernel = weights.tensor('conv.weight', [outChannels, inChannels, 3, 3]) as tf.Tensor4D;
    this.norm = new BatchNorm(weights.scope('norm'), outChannels, config.batchNormEps, mode);
  }

  forward(x: tf.Tensor4D, activation?: 'relu'): tf.Tensor4D {
    const convolved = conv2d(x, this.kernel, undefined, {stride: this.stride, padding: 1});
    return this.norm.forward(convolved, activation);
  }
}

class ResidualBlock {
  readonly first: ConvNorm;
  readonly second: ConvNorm;

  constructor(
    weights: WeightSource,
    channels: number,
    config: ConvStemConfig,
    mode: NormalizationMode,
  ) {
    this.first = new ConvNorm(weights.scope('0'), channels, channels, 1, config, mode);
    this.second = new ConvNorm(weights.scope('1'), channels, channels, 1, config, mode);
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.relu(tf.add(x, this.second.forward(this.first.forward(x, 'relu'))) as tf.Tensor4D);
  }
}

/** Pixels -> one embedding a patch, as `patchEmbedding` gives them. */
export class ConvStem {
  private readonly stages: readonly {down: ConvNorm; blocks: readonly ResidualBlock[]}[];
  private readonly proj: Linear;
  private readonly norm: LayerNorm;
  readonly mode: NormalizationMode = {statistics: 'running'};

  constructor(weights: WeightSource, config: ConvStemConfig, width: number, layerNormEps: number) {
    let inChannels = 3;
    this.stages = config.channels.map((channels, i) => {
      const stage = weights.scope(`stages.${i}`);
      const down = new ConvNorm(stage.scope('down'), inChannels, channels, 2, config, this.mode);
      const blocks = Array.from(
        {length: config.blocks[i] ?? 0},
        (_, j) => new ResidualBlock(stage.scope(`blocks.${j}`), channels, config, this.mode),
      );
      inChannels = channels;
      return {down, blocks};
    });
    this.proj = new Linear(weights.scope('proj'), inChannels, width, {bias: true});
    this.norm = new LayerNorm(weights.scope('norm'), width, layerNormEps);
  }

  /** pixels [B, 3, size, size] -> [B, N, width] */
  forward(pixels: tf.Tensor4D): tf.Tensor3D {
    return tf.tidy(() => {
      let x = tf.transpose(pixels, [0, 2, 3, 1]) as tf.Tensor4D;
      for (const {down, blocks} of this.stages) {
        x = down.forward(x, 'relu');
        for (const block of blocks) x = block.forward(x);
      }
      const [batch, height, width, channels] = x.shape;
      const patches = tf.reshape<tf.Rank.R3>(x, [batch, height * width, channels]);
      return this.norm.forward(this.proj.forward(patches));
    });
  }
}
