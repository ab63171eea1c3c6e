// How much noise there is at each timestep (DDPM, arXiv 2006.11239; diffusers' `scaled_linear`, with which
// Stable Diffusion was trained). B batch, L latent channels, h and w of the latents.
import tf from '#tfjs';
import {ShapeError} from '../../kernels/index.js';

export interface NoiseScheduleConfig {
  readonly numSteps: number;
  readonly betaStart: number;
  readonly betaEnd: number;
  /** What the UNet tells of noisy latents; default: the noise, as in Stable Diffusion 1.5. */
  readonly prediction?: Prediction;
}

/**
 * By diffusers' names. epsilon: the noise. v_prediction: √ᾱ · noise - √(1 - ᾱ) · latents (arXiv 2202.00512), which
 * tells as much of the picture where there is nearly only noise as of the noise where there is nearly none.
 */
export type Prediction = 'epsilon' | 'v_prediction';

/** What the solvers ask for beyond the training's schedule. */
export interface SamplingConfig extends NoiseScheduleConfig {
  /** Added to the timesteps of DDIM and PNDM: 1 in Stable Diffusion. */
  readonly stepsOffset: number;
  /** Whether the last step ends in a picture without noise, else with as much as at timestep 0. */
  readonly endsClean: boolean;
}

const {fround} = Math;

/** Numbers that torch computes at once: each is the first one of its run plus a multiple of the step. */
const RUN = 8;

/** torch.linspace in float32, to the bit: from both ends towards the middle, run by run. */
function linspace(start: number, end: number, count: number): Float32Array {
  const step = fround(fround(end - start) / Math.max(1, count - 1));
  return Float32Array.from({length: count}, (_, i) => {
    const first = i - (i % RUN);
    const isNearStart = first < count / 2;
    return (
      fround(isNearStart ? start + step * first : end - step * (count - 1 - first)) +
      step * (i % RUN)
    );
  });
}

export class NoiseSchedule {
  /** ᾱ of each timestep, float32: the share of the picture that is left in the square. */
  readonly alphasCumprod: Float32Array;

  readonly stepsOffset: number;
  readonly prediction: Prediction;
  private readonly finalAlpha: number;

  constructor({
    numSteps,
    betaStart,
    betaEnd,
    prediction = 'epsilon',
    stepsOffset = 1,
    endsClean = false,
  }: NoiseScheduleConfig & Partial<SamplingConfig>) {
    const roots = linspace(fround(Math.sqrt(betaStart)), fround(Math.sqrt(betaEnd)), numSteps);
    let product = 1; // torch keeps it in float64
    this.alphasCumprod = roots.map((root) => {
      product *= fround(1 - fround(root * root));
      return product;
    });
    this.stepsOffset = stepsOffset;
    this.prediction = prediction;
    this.finalAlpha = endsClean ? 1 : this.alphasCumprod[0]!;
  }

  /** Timesteps of the training. */
  get numSteps(): number {
    return this.alphasCumprod.length;
  }

  /**
   * Pictures with noise: √ᾱ · latents + √(1 - ᾱ) · noise, both [B, L, h, w], each sample at its own
   * timestep.
   */
  addNoise(latents: tf.Tensor4D, noise: tf.Tensor4D, timesteps: readonly number[]): tf.Tensor4D {
    return tf.tidy(() => {
      const {signal, spread} = this.shares(timesteps);
      return tf.add(tf.mul(latents, signal), tf.mul(noise, spread));
    });
  }

  /** What the UNet is to find in `addNoise` of the same. */
  target(latents: tf.Tensor4D, noise: tf.Tensor4D, timesteps: readonly number[]): tf.Tensor4D {
    if (this.prediction === 'epsilon') return noise;
    return tf.tidy(() => {
      const {signal, spread} = this.shares(timesteps);
      return tf.sub(tf.mul(noise, signal), tf.mul(latents, spread));
    });
  }

  /** The noise in noisy latents in which the UNet found `found`; `alpha` is ᾱ there. */
  noiseIn(noisy: tf.Tensor4D, found: tf.Tensor4D, alpha: number): tf.Tensor4D {
    if (this.prediction === 'epsilon') return found;
    return tf.tidy(() =>
      tf.add(tf.mul(found, Math.sqrt(alpha)), tf.mul(noisy, Math.sqrt(1 - alpha))),
    );
  }

  /** √ᾱ and √(1 - ᾱ) of each sample: [B, 1, 1, 1] */
  private shares(timesteps: readonly number[]): {signal: tf.Tensor4D; spread: tf.Tensor4D} {
    const alphas = timesteps.map((timestep) => this.alphaAt(timestep));
    const perSample = (values: number[]) => tf.tensor4d(values, [values.length, 1, 1, 1]);
    return {
      signal: perSample(alphas.map((alpha) => Math.sqrt(alpha))),
      spread: perSample(alphas.map((alpha) => Math.sqrt(fround(1 - alpha)))),
    };
  }

  /** The signal-to-noise ratio ᾱ / (1 - ᾱ). */
  snr(timestep: number): number {
    const alpha = this.alphaAt(timestep);
    return alpha / (1 - alpha);
  }

  /** ᾱ at a timestep; a step that goes below timestep 0 ends at the final one. */
  alphaBefore(timestep: number): number {
    return timestep < 0 ? this.finalAlpha : this.alphaAt(timestep);
  }

  private alphaAt(timestep: number): number {
    const alpha = this.alphasCumprod[timestep];
    if (alpha === undefined) {
      const expected = `whole numbers below ${this.alphasCumprod.length}`;
      throw new ShapeError('noiseSchedule', 'timesteps', expected, String(timestep));
    }
    return alpha;
  }
}
