import tf from '#tfjs';
import {
  combine,
  evenTimesteps,
  History,
  type SchedulerOptions,
  TimestepScheduler,
} from './scheduler.js';

/**
 * Pseudo linear multi-step (arXiv 2202.09778), Emu's own: each step takes the noise found at up to four
 * timesteps. Without Runge-Kutta steps to start with: the first timestep is stepped from twice, so there is
 * one call more than steps (diffusers 0.15.1, schedulers/scheduling_pndm.py, skip_prk_steps).
 */
export class PndmScheduler extends TimestepScheduler {
  readonly timesteps: readonly number[];
  private readonly stride: number;
  private readonly found = new History(4);
  /** The latents that the first two calls both step from. */
  private readonly start = new History(1);

  constructor(options: SchedulerOptions) {
    super(options.schedule);
    const {timesteps, stride} = evenTimesteps(options);
    this.stride = stride;
    this.timesteps = [...timesteps.slice(0, 2), ...timesteps.slice(1)];
  }

  step(noise: tf.Tensor4D, latents: tf.Tensor4D, i: number): tf.Tensor4D {
    return tf.tidy(() => {
      const timestep = this.timesteps[i]!;
      if (i === 1) {
        // The noise found one step on corrects the first step, which is made again.
        const mean = combine([0.5, noise], [0.5, this.found.at(-1)]);
        return this.transfer(mean, this.start.at(-1), this.timesteps[0]!);
      }
      if (i === 0) this.start.push(latents);
      this.found.push(noise);
      return this.transfer(this.mixed(), latents, timestep);
    });
  }

  /** Adams-Bashforth over what was found so far. */
  private mixed(): tf.Tensor4D {
    const {found} = this;
    switch (found.length) {
      case 1:
        return found.at(-1);
      case 2:
        return combine([3 / 2, found.at(-1)], [-1 / 2, found.at(-2)]);
      case 3:
        return combine([23 / 12, found.at(-1)], [-16 / 12, found.at(-2)], [5 / 12, found.at(-3)]);
      default:
        return combine(
          [55 / 24, found.at(-1)],
          [-59 / 24, found.at(-2)],
          [37 / 24, found.at(-3)],
          [-9 / 24, found.at(-4)],
        );
    }
  }

  /** One step down from `timestep` (the paper's equation 9). */
  private transfer(noise: tf.Tensor4D, latents: tf.Tensor4D, timestep: number): tf.Tensor4D {
    const alpha = this.schedule.alphaBefore(timestep);
    const next = this.schedule.alphaBefore(timestep - this.stride);
    const divisor = alpha * Math.sqrt(1 - next) + Math.sqrt(alpha * (1 - alpha) * next);
    return combine([Math.sqrt(next / alpha), latents], [-(next - alpha) / divisor, noise]);
  }

  override dispose(): void {
    this.found.dispose();
    this.start.dispose();
  }
}
