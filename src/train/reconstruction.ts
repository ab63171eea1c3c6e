// The autoencoder's objective (arXiv 2112.10752 without its perceptual and adversarial terms): the picture
// again, from latents that stay near a standard normal. B pictures, L latent channels.
import tf from '#tfjs';
import type {Vae} from '../model/diffusion/vae.js';
import type {LossTerms} from './objective.js';

export interface ReconstructionOptions {
  readonly pixelLoss: 'l1' | 'l2';
  readonly klWeight: number;
}

/**
 * Error of the pixels + klWeight · divergence, both averaged over elements and multiplied by `share`.
 * @param pixels [B, 3, H, W] in [-1, 1]
 * @param noise [B, L, h, w], standard normal, samples the latents; without it their mode is decoded
 */
export function reconstructionLoss(
  vae: Vae,
  pixels: tf.Tensor4D,
  noise: tf.Tensor4D | undefined,
  {pixelLoss, klWeight}: ReconstructionOptions,
  share: number,
): LossTerms {
  const {mean, logVariance} = vae.encode(pixels);
  const latents = noise ? tf.add(mean, tf.mul(tf.exp(tf.mul(logVariance, 0.5)), noise)) : mean;
  const error = tf.sub(vae.decode(latents as tf.Tensor4D), pixels);
  const pixelError = tf.mean(pixelLoss === 'l1' ? tf.abs(error) : tf.square(error));
  // Of N(mean, variance) from N(0, 1): (mean² + variance - 1 - log variance) / 2.
  const excess = tf.sub(tf.sub(tf.exp(logVariance), 1), logVariance);
  const divergence = tf.mul(tf.mean(tf.add(tf.square(mean), excess)), 0.5);
  const own = (term: tf.Tensor) => tf.mul(term, share) as tf.Scalar;
  return {
    loss: own(tf.add(pixelError, tf.mul(divergence, klWeight))),
    pixels: own(pixelError),
    kl: own(divergence),
  };
}
