import tf from '#tfjs';
import {roundHalfEven} from '../../../roundHalfEven.js';
import {combine, History, type SchedulerOptions, TimestepScheduler} from './scheduler.js';

/** Runs this short end in a first-order step, which is steadier. */
const SHORT_RUN = 15;

/**
 * DPM-Solver++ of second order over two steps (arXiv 2211.01095, algorithm 2, midpoint; diffusers 0.15.1,
 * schedulers/scheduling_dpmsolver_multistep.py).
 */
export class DpmSolverScheduler extends TimestepScheduler {
  readonly timesteps: readonly number[];
  private readonly isShort: boolean;
  /** Pictures that the noise found pointed to. */
  private readonly pictures = new History(2);

  constructor({schedule, steps, skip = 0}: SchedulerOptions) {
    super(schedule);
    this.isShort = steps < SHORT_RUN;
    const spread = (schedule.numSteps - 1) / steps;
    this.timesteps = Array.from({length: steps}, (_, i) =>
      roundHalfEven((steps - i) * spread),
    ).slice(skip);
  }

  step(noise: tf.Tensor4D, latents: tf.Tensor4D, i: number): tf.Tensor4D {
    return tf.tidy(() => {
      const now = this.at(this.timesteps[i]!);
      const next = this.at(this.timesteps[i + 1] ?? 0);
      this.pictures.push(this.estimate(noise, latents, i));
      const h = next.lambda - now.lambda;
      const toPicture = -next.alpha * Math.expm1(-h);
      const newest = this.pictures.at(-1);
      const first = combine([next.sigma / now.sigma, latents], [toPicture, newest]);
      const isLast = i === this.timesteps.length - 1;
      if (this.pictures.length < 2 || (isLast && this.isShort)) return first;
      const ratio = (now.lambda - this.at(this.timesteps[i - 1]!).lambda) / h;
      const slope = toPicture / (2 * ratio);
      return combine([1, first], [slope, newest], [-slope, this.pictures.at(-2)]);
    });
  }

  /** Shares of picture and noise at a timestep, and half the logarithm of the signal-to-noise ratio. */
  private at(timestep: number): {alpha: number; sigma: number; lambda: number} {
    const share = this.schedule.alphaBefore(timestep);
    const [alpha, sigma] = [Math.sqrt(share), Math.sqrt(1 - share)];
    return {alpha, sigma, lambda: Math.log(alpha) - Math.log(sigma)};
  }

  override dispose(): void {
    this.pictures.dispose();
  }
}
