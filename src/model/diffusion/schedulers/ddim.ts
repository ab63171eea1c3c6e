import type tf from '#tfjs';
import {combine, evenTimesteps, type SchedulerOptions, TimestepScheduler} from './scheduler.js';

/**
 * DDIM without noise of its own (arXiv 2010.02502, eta 0): the picture that the noise found points to, with
 * less of that noise put back (diffusers 0.15.1, schedulers/scheduling_ddim.py).
 */
export class DdimScheduler extends TimestepScheduler {
  readonly timesteps: readonly number[];
  private readonly stride: number;

  constructor(options: SchedulerOptions) {
    super(options.schedule);
    ({timesteps: this.timesteps, stride: this.stride} = evenTimesteps(options));
  }

  step(noise: tf.Tensor4D, latents: tf.Tensor4D, i: number): tf.Tensor4D {
    const next = this.schedule.alphaBefore(this.timesteps[i]! - this.stride);
    const picture = this.estimate(noise, latents, i);
    return combine([Math.sqrt(next), picture], [Math.sqrt(1 - next), noise]);
  }
}
