// An image decoder's folders (unet/, vae/, scheduler/, safety_checker/) as what draws.
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {clipPixels} from './data/preprocess.js';
import type {Picture} from './data/picture.js';
import {ModelError} from './errors.js';
import {ImageDecoder} from './model/diffusion/imageDecoder.js';
import {NoiseSchedule} from './model/diffusion/noiseSchedule.js';
import {SafetyChecker, type SafetyVerdict} from './model/diffusion/safetyChecker.js';
import {Unet} from './model/diffusion/unet.js';
import {Vae} from './model/diffusion/vae.js';
import type {Checkpoint} from './weights/checkpoint.js';
import {readNoiseScheduleConfig} from './weights/diffusionConfig.js';
import {openUnet, openVae} from './weights/diffusionFolder.js';
import {openSafetyChecker} from './weights/safetyFolder.js';
import {countElements} from './weights/storedTensor.js';
import {Weights} from './weights/weights.js';

export interface LoadedImageDecoder {
  readonly decoder: ImageDecoder;
  /** Looks at a drawing; undefined where the model has no safety checker. */
  readonly check: ((picture: Picture) => SafetyVerdict) | undefined;
  /** Of the weights. */
  readonly numElements: number;
  close(): void;
}

/**
 * Opens the decoder in `folder`, whose context is `contextSize` wide. Weights are mapped, not read.
 * Throws ModelError for one that is damaged, incomplete or of another model.
 */
export function loadImageDecoder(folder: string, contextSize: number): LoadedImageDecoder {
  const opened: {weights: Weights; checkpoint: Checkpoint}[] = [];
  const close = () => {
    for (const {weights, checkpoint} of opened) {
      weights.dispose();
      checkpoint.close();
    }
  };
  const source = (checkpoint: Checkpoint): Weights => {
    const weights = Weights.open(checkpoint);
    opened.push({weights, checkpoint});
    return weights;
  };
  try {
    const unet = openUnet(path.join(folder, 'unet'));
    const unetModel = new Unet(source(unet.checkpoint), unet.config);
    const vae = openVae(path.join(folder, 'vae'));
    const vaeModel = new Vae(source(vae.checkpoint), vae.config);
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
    const schedulerFile = path.join(folder, 'scheduler', 'scheduler_config.json');
    const schedule = new NoiseSchedule(readNoiseScheduleConfig(schedulerFile));
    const decoder = new ImageDecoder(unetModel, vaeModel, schedule);
    const safety = openSafetyChecker(folder);
    const checker = safety && new SafetyChecker(source(safety.checkpoint), safety.vision);
    const check = (picture: Picture): SafetyVerdict => {
      const {cropSize: size} = safety!.image;
      const values = clipPixels(picture, safety!.image);
      const pixels = tf.tensor4d(values, [1, 3, size, size]);
      try {
        return checker!.check(pixels);
      } finally {
        pixels.dispose();
      }
    };
    const numElements = opened
      .flatMap(({checkpoint}) => [...checkpoint.tensors.values()])
      .reduce((sum, {shape}) => sum + countElements(shape)!, 0);
    return {decoder, check: checker && check, numElements, close};
  } catch (error) {
    close();
    throw error;
  }
}
