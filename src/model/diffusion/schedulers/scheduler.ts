// From noise to latents: what the ways of solving the diffusion's equation share. Latents are [B, L, h, w].
import tf from '#tfjs';
import type {NoiseSchedule} from '../noiseSchedule.js';

/** A solver on its way through one picture's timesteps. Holds tensors between steps: dispose it. */
export interface Scheduler {
  /** The timestep of each call of the UNet, in order. Euler's are no whole numbers. */
  readonly timesteps: readonly number[];
  /** What standard normal noise is multiplied by to start from. */
  readonly initNoiseSigma: number;
  /** Given latents of a picture, as much noise in them as there is at the first timestep. */
  addNoise(latents: tf.Tensor4D, noise: tf.Tensor4D): tf.Tensor4D;
  /** ᾱ of what the UNet is shown at call `i`. */
  alpha(i: number): number;
  /** What the UNet is shown at call `i`; the latents themselves unless the solver scales them. */
  scaleInput(latents: tf.Tensor4D, i: number): tf.Tensor4D;
  /** The picture's latents that `noise`, found at call `i`, points to. */
  estimate(noise: tf.Tensor4D, latents: tf.Tensor4D, i: number): tf.Tensor4D;
  /** The latents after call `i`, in which the UNet found `noise`. Calls come in order, each once. */
  step(noise: tf.Tensor4D, latents: tf.Tensor4D, i: number): tf.Tensor4D;
  dispose(): void;
}

export interface SchedulerOptions {
  readonly schedule: NoiseSchedule;
  /** Steps from noise to picture. */
  readonly steps: number;
  /** Steps left out at the start, below `steps`: a given picture is drawn over. */
  readonly skip?: number;
}

/** The weighted sum of tensors of one shape, each product rounded on its own. */
export function combine(...terms: readonly (readonly [number, tf.Tensor4D])[]): tf.Tensor4D {
  return tf.tidy(() =>
    terms.map(([weight, x]) => tf.mul(x, weight) as tf.Tensor4D).reduce((a, b) => tf.add(a, b)),
  );
}

/** Tensors kept for later steps, the newest last and at most `limit` of them. */
export class History {
  private kept: tf.Tensor4D[] = [];

  constructor(private readonly limit: number) {}

  get length(): number {
    return this.kept.length;
  }

  /** The newest for -1, the one before it for -2, and so on. */
  at(index: number): tf.Tensor4D {
    return this.kept.at(index)!;
  }

  push(tensor: tf.Tensor4D): void {
    this.kept.push(tf.keep(tf.clone(tensor)));
    if (this.kept.length > this.limit) this.kept.shift()!.dispose();
  }

  dispose(): void {
    for (const tensor of this.kept.splice(0)) tensor.dispose();
  }
}

/** A solver whose latents are √ᾱ · picture + √(1 - ᾱ) · noise at each timestep, as the UNet was trained. */
export abstract class TimestepScheduler implements Scheduler {
  abstract readonly timesteps: readonly number[];
  readonly initNoiseSigma = 1;

  constructor(protected readonly schedule: NoiseSchedule) {}

  addNoise(latents: tf.Tensor4D, noise: tf.Tensor4D): tf.Tensor4D {
    const first = new Array<number>(latents.shape[0]).fill(this.timesteps[0]!);
    return this.schedule.addNoise(latents, noise, first);
  }

  scaleInput(latents: tf.Tensor4D): tf.Tensor4D {
    return latents;
  }

  alpha(i: number): number {
    return this.schedule.alphaBefore(this.timesteps[i]!);
  }

  estimate(noise: tf.Tensor4D, latents: tf.Tensor4D, i: number): tf.Tensor4D {
    const alpha = this.alpha(i);
    return combine([1 / Math.sqrt(alpha), latents], [-Math.sqrt((1 - alpha) / alpha), noise]);
  }

  abstract step(noise: tf.Tensor4D, latents: tf.Tensor4D, i: number): tf.Tensor4D;

  dispose(): void {}
}

/** Timesteps a whole number of the training's apart, falling, as DDIM and PNDM take them. */
export function evenTimesteps({schedule, steps, skip = 0}: SchedulerOptions): {
  timesteps: number[];
  stride: number;
} {
  const stride = Math.floor(schedule.numSteps / steps);
  const timesteps = Array.from({length: steps}, (_, i) => i * stride + schedule.stepsOffset);
  return {timesteps: timesteps.reverse().slice(skip), stride};
}
