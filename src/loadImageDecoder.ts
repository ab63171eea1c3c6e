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
import {checkMemory, weightMemory} from './weights/memory.js';
import {openSafetyChecker, type SafetyFiles} from './weights/safetyFolder.js';
import {Weights} from './weights/weights.js';

export interface LoadedImageDecoder {
  readonly decoder: ImageDecoder;
  /** Looks at a drawing; undefined where the model has no safety checker. */
  readonly check: ((picture: Picture) => SafetyVerdict) | undefined;
  close(): void;
}

/** The files of the decoder in `folder`, to be closed by the caller. Throws as loadImageDecoder does. */
function openParts(folder: string) {
  const opened: Checkpoint[] = [];
  /** The part, which is closed when a later one is no good. */
  const noted = <P extends {checkpoint: Checkpoint}>(part: P): P => {
    opened.push(part.checkpoint);
    return part;
  };
  try {
    const unet = noted(openUnet(path.join(folder, 'unet')));
    const vae = noted(openVae(path.join(folder, 'vae')));
    const stored = openSafetyChecker(folder);
    return {unet, vae, safety: stored && noted(stored), opened};
  } catch (error) {
    for (const checkpoint of opened) checkpoint.close();
    throw error;
  }
}

type Parts = ReturnType<typeof openParts>;

/** Bytes that the decoder takes on a device: weights, and a few of its widest layer. */
function bytesOf({unet, vae, opened}: Parts): number {
  const tensors = opened.flatMap((checkpoint) => [...checkpoint.tensors.values()]);
  const {blockChannels} = vae.config;
  const edge = unet.config.sampleSize * 2 ** (blockChannels.length - 1);
  const widest = 4 * edge ** 2 * (blockChannels[1] ?? blockChannels[0]!);
  return weightMemory(tensors, 'tensorflow').held + 4 * widest;
}

/** Bytes that the decoder in `folder` will take on a device of its own. Throws as loadImageDecoder does. */
export function decoderBytes(folder: string): number {
  const parts = openParts(folder);
  try {
    return bytesOf(parts);
  } finally {
    for (const checkpoint of parts.opened) checkpoint.close();
  }
}

/**
 * Opens the decoder in `folder`, whose context is `contextSize` wide. Weights are mapped, not read. `room`: bytes
 * that are left for it on a backend with memory of its own. Throws ModelError for a decoder that is damaged,
 * incomplete or of another model, EmuError (memory) for one that does not fit.
 */
export function loadImageDecoder(
  folder: string,
  contextSize: number,
  room?: number,
): LoadedImageDecoder {
  const parts = openParts(folder);
  const {unet, vae, safety, opened} = parts;
  const weights = new Map(opened.map((checkpoint) => [checkpoint, Weights.open(checkpoint)]));
  const close = () => {
    for (const [checkpoint, own] of weights) {
      own.dispose();
      checkpoint.close();
    }
  };
  try {
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
    if (room === undefined) checkWeightsFit(folder, opened);
    else {
      const wayOut = 'the model beside it takes the rest: load it with draws: true';
      checkMemory(folder, bytesOf(parts), wayOut, room, "the GPU's memory");
    }
    const schedulerFile = path.join(folder, 'scheduler', 'scheduler_config.json');
    const decoder = new ImageDecoder(
      new Unet(weights.get(unet.checkpoint)!, unet.config),
      new Vae(weights.get(vae.checkpoint)!, vae.config),
      new NoiseSchedule(readNoiseScheduleConfig(schedulerFile)),
    );
    const check = safety && checkBy({...safety, weights: weights.get(safety.checkpoint)!});
    return {decoder, check, close};
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
