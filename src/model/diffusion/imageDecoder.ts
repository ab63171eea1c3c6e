// Visual embeddings to pictures (paper 2.1; official code: Emu1/pipeline.py). N embeddings of size K condition the
// UNet; L latent channels, h and w of the latents, an 8th of the picture's sides in Stable Diffusion.
import {setImmediate} from 'node:timers/promises';
import tf from '#tfjs';
import type {Picture} from '../../data/picture.js';
import {traced} from '../trace.js';
import {roundHalfEven} from '../../roundHalfEven.js';
import type {NoiseSchedule} from './noiseSchedule.js';
import {createScheduler, type SchedulerName} from './schedulers/index.js';
import {decodeTiled} from './tiledDecode.js';
import type {Unet} from './unet.js';
import type {Vae} from './vae.js';

export interface DenoiseOptions {
  readonly scheduler: SchedulerName;
  /** At most the training's timesteps less one. */
  readonly steps: number;
  /** How far away from the empty prompt's picture (classifier-free guidance); up to 1: none. */
  readonly guidance: number;
  /** Latents of a picture that is drawn over, [1, L, h, w], and the share of the steps that is drawn anew. */
  readonly over?: {readonly latents: tf.Tensor4D; readonly strength: number} | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One call of the UNet is done. */
export interface DenoiseStep {
  readonly step: number;
  readonly steps: number;
  /** What the picture's latents look to become, [1, L, h, w]; to be asked for before the next step. */
  estimate(): tf.Tensor4D;
}

export class ImageDecoder {
  constructor(
    readonly unet: Unet,
    readonly vae: Vae,
    readonly schedule: NoiseSchedule,
  ) {}

  /** Pixels that a picture's sides are multiples of. */
  get multiple(): number {
    return this.vae.factor * 2 ** (this.unet.config.blockChannels.length - 1);
  }

  /** The picture's sides in training. */
  get nativeSize(): number {
    return this.unet.config.sampleSize * this.vae.factor;
  }

  /** The latents of a picture of so many pixels, whole multiples: [1, L, h, w] */
  latentShape(width: number, height: number): [number, number, number, number] {
    const {factor} = this.vae;
    return [1, this.unet.config.inChannels, height / factor, width / factor];
  }

  /**
   * Latents [1, L, h, w] of a picture, from standard normal `noise` of that shape and the embeddings
   * [2, N, K] of the prompt and of the empty prompt, or [1, N, K] of the prompt where guidance is none.
   * Throws the signal's reason when it is aborted between two steps.
   */
  async *denoise(
    context: tf.Tensor3D,
    noise: tf.Tensor4D,
    {scheduler: name, steps, guidance, over, signal}: DenoiseOptions,
  ): AsyncGenerator<DenoiseStep, tf.Tensor4D> {
    const drawn = over ? Math.min(steps, Math.max(1, Math.floor(steps * over.strength))) : steps;
    const skip = steps - drawn;
    const scheduler = createScheduler(name, {schedule: this.schedule, steps, skip});
    const {timesteps} = scheduler;
    let latents = tf.tidy(() =>
      over ? scheduler.addNoise(over.latents, noise) : tf.mul(noise, scheduler.initNoiseSigma),
    ) as tf.Tensor4D;
    let isDone = false;
    try {
      for (const [i, timestep] of timesteps.entries()) {
        signal?.throwIfAborted();
        const before = latents;
        const found = tf.tidy(() => {
          const input = scheduler.scaleInput(before, i);
          const output = this.guided(input, timestep, context, guidance);
          return this.schedule.noiseIn(input, output, scheduler.alpha(i));
        });
        latents = scheduler.step(found, before, i);
        try {
          const estimate = () => scheduler.estimate(found, before, i);
          yield {step: i + 1, steps: timesteps.length, estimate};
        } finally {
          before.dispose();
          found.dispose();
        }
        await setImmediate(); // the signal can be heard
      }
      isDone = true;
      return traced('latents', latents);
    } finally {
      scheduler.dispose();
      if (!isDone) latents.dispose();
    }
  }

  /** What the UNet finds, led away from what is found for the empty prompt. */
  private guided(
    input: tf.Tensor4D,
    timestep: number,
    context: tf.Tensor3D,
    guidance: number,
  ): tf.Tensor4D {
    if (context.shape[0] === 1) return this.unet.forward(input, [timestep], context);
    const both = this.unet.forward(tf.concat([input, input]), [timestep, timestep], context);
    const [shown, empty] = tf.split(both, 2) as [tf.Tensor4D, tf.Tensor4D];
    return tf.add(empty, tf.mul(tf.sub(shown, empty), guidance)) as tf.Tensor4D;
  }

  /** Latents [1, L, h, w] -> the picture, in tiles where it is large. */
  async toPicture(latents: tf.Tensor4D): Promise<Picture> {
    const [, , rows, columns] = latents.shape;
    const values = await decodeTiled(this.vae, latents);
    const data = Uint8Array.from(values, (value) => roundHalfEven(Math.fround(value * 255)));
    return {width: columns * this.vae.factor, height: rows * this.vae.factor, data};
  }
}
