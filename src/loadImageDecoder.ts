// An image decoder's folders (unet/, vae/, scheduler/, safety_checker/) as what draws.
import path from 'node:path';
import tf from '#tfjs';
import type {Picture} from './data/picture.js';
import {clipPixels} from './data/preprocess.js';
import {ModelError} from './errors.js';
import {ImageDecoder} from './model/diffusion/imageDecoder.js';
import {NoiseSchedule} from './model/diffusion/noiseSchedule.js';
import {SafetyChecker, type SafetyVerdict} from './model/diffusion/safetyChecker.js';
import {Unet} from './model/diffusion/unet.js';
import {Vae} from './model/diffusion/vae.js';
import type {Checkpoint} from './weights/checkpoint.js';
import {checkWeightsFit} from './weights/checkWeightsFit.js';
import {readNoiseScheduleConfig} from './weights/diffusionConfig.js';
import {openUnet, openVae} from './weights/diffusionFolder.js';
import {openSafetyChecker, type SafetyFiles} from './weights/safetyFolder.js';
import {Weights} from './weights/weights.js';

export interface LoadedImageDecoder {
  readonly decoder: ImageDecoder;
  /** Looks at a drawing; undefined where the model has no safety checker. */
  readonly check: ((picture: Picture) => SafetyVerdict) | undefined;
  close(): void;
}

/**
 * Opens the decoder in `folder`, whose context is `contextSize` wide. Weights are mapped, not read. Throws
 * ModelError for a decoder that is damaged, incomplete or of another model, EmuError (memory) for one that does
 * not fit.
 */
export function loadImageDecoder(folder: string, contextSize: number): LoadedImageDecoder {
  const opened: {weights: Weights; checkpoint: Checkpoint}[] = [];
  const close = () => {
    for (const {weights, checkpoint} of opened) {
      weights.dispose();
      checkpoint.close();
    }
  };
  /** The part, closed with the others, and where its weights come from. */
  const withWeights = <P extends {checkpoint: Checkpoint}>(part: P): P & {weights: Weights} => {
    const weights = Weights.open(part.checkpoint);
    opened.push({weights, checkpoint: part.checkpoint});
    return {...part, weights};
  };
  try {
    const unet = withWeights(openUnet(path.join(folder, 'unet')));
    const vae = withWeights(openVae(path.join(folder, 'vae')));
    const stored = openSafetyChecker(folder);
    const safety = stored && withWeights(stored);
    if (unet.config.contextSize !== contextSize)
      throw new ModelError(
        folder,
        `its UNet reads embeddings of ${unet.config.contextSize} numbers, the language model gives ${contextSize}`,
      );
    if (unet.config.inChannels !== vae.config.latentChannels)
      throw new ModelError(
        folder,
        `its UNet draws ${unet.config.inChannels} channels, its autoencoder reads ${vae.config.latentChannels}`,
      );
    checkWeightsFit(
      folder,
      opened.map(({checkpoint}) => checkpoint),
    );
    const schedulerFile = path.join(folder, 'scheduler', 'scheduler_config.json');
    const decoder = new ImageDecoder(
      new Unet(unet.weights, unet.config),
      new Vae(vae.weights, vae.config),
      new NoiseSchedule(readNoiseScheduleConfig(schedulerFile)),
    );
    return {decoder, check: safety && checkBy(safety), close};
  } catch (error) {
    close();
    throw error;
  }
}

function checkBy({
  vision,
  image,
  weights,
}: SafetyFiles & {weights: Weights}): (picture: Picture) => SafetyVerdict {
  const checker = new SafetyChecker(weights, vision);
  return (picture) => {
    const {cropSize: size} = image;
    const pixels = tf.tensor4d(clipPixels(picture, image), [1, 3, size, size]);
    try {
      return checker.check(pixels);
    } finally {
      pixels.dispose();
    }
  };
}
