import tf from '#tfjs';
import type {NoiseSchedule} from '../noiseSchedule.js';
import {combine, type Scheduler, type SchedulerOptions} from './scheduler.js';

/**
 * Euler's method in the noise's own scale sigma (arXiv 2206.00364, algorithm 2 without churn; diffusers
 * 0.15.1, schedulers/scheduling_euler_discrete.py). Latents are picture + sigma · noise.
 */
export class EulerScheduler implements Scheduler {
  readonly timesteps: readonly number[];
  readonly initNoiseSigma: number;
  /** Of each call, then 0. */
  private readonly sigmas: readonly number[];

  constructor({schedule, steps, skip = 0}: SchedulerOptions) {
    const last = schedule.numSteps - 1;
    const all = Array.from({length: schedule.numSteps}, (_, t) => sigmaOf(schedule, t));
    this.initNoiseSigma = all[last]!;
    const spread = steps === 1 ? 0 : last / (steps - 1);
    // A single step is numpy.linspace's first number, and so the least noise: start from the most instead.
    const falling = Array.from({length: steps}, (_, i) => last - i * spread).slice(skip);
    this.timesteps = falling;
    this.sigmas = [...falling.map((timestep) => interpolate(all, timestep)), 0].map(Math.fround);
  }

  addNoise(latents: tf.Tensor4D, noise: tf.Tensor4D): tf.Tensor4D {
    return combine([1, latents], [this.sigmas[0]!, noise]);
  }

  alpha(i: number): number {
    return 1 / (this.sigmas[i]! ** 2 + 1);
  }

  scaleInput(latents: tf.Tensor4D, i: number): tf.Tensor4D {
    return tf.div(latents, Math.sqrt(this.sigmas[i]! ** 2 + 1));
  }

  estimate(noise: tf.Tensor4D, latents: tf.Tensor4D, i: number): tf.Tensor4D {
    return combine([1, latents], [-this.sigmas[i]!, noise]);
  }

  step(noise: tf.Tensor4D, latents: tf.Tensor4D, i: number): tf.Tensor4D {
    return combine([1, latents], [this.sigmas[i + 1]! - this.sigmas[i]!, noise]);
  }

  dispose(): void {}
}

function sigmaOf(schedule: NoiseSchedule, timestep: number): number {
  const alpha = schedule.alphaBefore(timestep);
  return Math.sqrt((1 - alpha) / alpha);
}

/** The value between the two whole numbers beside `position`. */
function interpolate(values: readonly number[], position: number): number {
  const below = Math.min(Math.floor(position), values.length - 1);
  const above = Math.min(below + 1, values.length - 1);
  return values[below]! + (position - below) * (values[above]! - values[below]!);
}
