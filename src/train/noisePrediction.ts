// The image decoder's objective (paper 2.3 by Stable Diffusion's): the noise that was added to the latents, or
// what the schedule has in its place.
// B batch, L latent channels, h and w of the latents, N context tokens, K their size.
import tf from '#tfjs';
import type {NoiseSchedule, Prediction} from '../model/diffusion/noiseSchedule.js';
import type {Unet} from '../model/diffusion/unet.js';

export interface NoisePredictionBatch {
  /** [B, L, h, w], scaled as the UNet sees them, without noise. */
  readonly latents: tf.Tensor4D;
  /** [B, L, h, w], standard normal. */
  readonly noise: tf.Tensor4D;
  /** One a sample. */
  readonly timesteps: readonly number[];
  /** [B, N, K] */
  readonly context: tf.Tensor3D;
  /**
   * Samples whose context is not shown, so that the UNet learns to do without one (classifier-free
   * guidance, arXiv 2207.12598), and what stands in its place: [1, N, K], Emu's empty prompt.
   */
  readonly drop?: {readonly samples: readonly boolean[]; readonly unconditional: tf.Tensor3D};
}

export interface NoisePredictionOptions {
  /**
   * γ of min-SNR weighting (arXiv 2303.09556): a sample counts min(SNR, γ) / SNR, which takes weight from
   * timesteps with little noise. Without it all count 1.
   */
  readonly minSnrGamma?: number;
}

export interface NoisePredictionLoss {
  /** Mean of the weighted per-sample losses. */
  readonly loss: tf.Scalar;
  /** Mean squared error of each sample, not weighted: [B] */
  readonly perSample: tf.Tensor1D;
}

/** Weights of min-SNR: an error of the noise is one of the picture times SNR, of the velocity times SNR + 1. */
export function minSnrWeight(
  snr: number,
  gamma: number,
  prediction: Prediction = 'epsilon',
): number {
  return Math.min(snr, gamma) / (prediction === 'epsilon' ? snr : snr + 1);
}

/** [B, N, K] with the unconditional context in the place of dropped ones. */
function shownContext({context, drop}: NoisePredictionBatch): tf.Tensor3D {
  if (!drop?.samples.includes(true)) return context;
  const batch = context.shape[0];
  const rows = drop.samples.map((isDropped, i) => (isDropped ? batch : i));
  const both = tf.concat([context, drop.unconditional]);
  return tf.gather(both, tf.tensor1d(rows, 'int32'));
}

/** (unet(x_t, t, context) - target)², the target being the noise or the velocity, x_t the latents with the noise of timestep t. */
export function noisePredictionLoss(
  unet: Unet,
  schedule: NoiseSchedule,
  batch: NoisePredictionBatch,
  {minSnrGamma}: NoisePredictionOptions = {},
): NoisePredictionLoss {
  return tf.tidy(() => {
    const {latents, noise, timesteps} = batch;
    const noisy = schedule.addNoise(latents, noise, timesteps);
    const target = schedule.target(latents, noise, timesteps);
    const predicted = unet.forward(noisy, timesteps, shownContext(batch));
    const perSample = tf.mean(tf.square(tf.sub(predicted, target)), [1, 2, 3]) as tf.Tensor1D;
    if (minSnrGamma === undefined) return {loss: tf.mean(perSample) as tf.Scalar, perSample};
    const weights = timesteps.map((t) =>
      minSnrWeight(schedule.snr(t), minSnrGamma, schedule.prediction),
    );
    const loss = tf.mean(tf.mul(perSample, tf.tensor1d(weights))) as tf.Scalar;
    return {loss, perSample};
  });
}
