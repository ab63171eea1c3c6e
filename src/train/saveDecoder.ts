// A trained image decoder's files: diffusers folders beside the model that it draws for, so that the folder is
// a model that draws; and on demand the release's layout.
import {cpSync, existsSync} from 'node:fs';
import path from 'node:path';
import type tf from '#tfjs';
import type {UnetConfig, VaeConfig} from '../weights/diffusionConfig.js';
import {
  type DiffusionFormat,
  writeNoiseSchedule,
  writeUnet,
  writeVae,
} from '../weights/diffusionFolder.js';
import {releaseFiles} from '../weights/mode.js';
import type {TensorToWrite} from '../weights/safetensors.js';
import {tuningFile} from '../weights/tuning.js';
import type {DecoderSetup, InitialPart} from './decoderParts.js';
import {storedTensors} from '../weights/tensorsToWrite.js';
import {writeDescription, writeModel, writeOfficial} from '../weights/writeModel.js';
import {linkOrCopy} from '../weights/writeWhole.js';
import {encodedTensors} from './encodedTensors.js';
import {officialFolder} from './officialFolder.js';

export interface TrainedDecoder {
  readonly vae: InitialPart<VaeConfig>;
  readonly unet: InitialPart<UnetConfig> | undefined;
  /** Trained values, `unet.NAME` and `vae.NAME`. */
  readonly values: ReadonlyMap<string, tf.Tensor>;
}

export function saveDecoder(folder: string, setup: DecoderSetup, decoder: TrainedDecoder): void {
  writeFrozenModel(folder, setup);
  writeParts(folder, setup, decoder, 'safetensors');
  if (!setup.recipe.save.official) return;
  const {config, mode, vocabularyFile, checkpoint, decoderFolder} = setup.initial;
  const root = officialFolder(folder);
  const release = path.join(root, 'pretrain');
  if (!existsSync(path.join(root, releaseFiles.pretrain)))
    writeOfficial(root, {config, mode, vocabularyFile}, storedTensors(checkpoint));
  writeParts(release, setup, decoder, 'bin');
  // What the official pipeline loads as well, where the model has it.
  for (const part of ['safety_checker', 'feature_extractor']) {
    const source = path.join(decoderFolder ?? '', part);
    const copy = path.join(release, part);
    if (decoderFolder && existsSync(source) && !existsSync(copy))
      cpSync(source, copy, {recursive: true});
  }
}

/** The model, once: it does not change. */
function writeFrozenModel(folder: string, {initial}: DecoderSetup): void {
  const {config, mode, vocabularyFile, checkpoint, tuning} = initial;
  const file = path.join(folder, 'model.safetensors');
  if (existsSync(file)) return;
  writeDescription(folder, {config, mode, vocabularyFile});
  if (tuning) linkOrCopy(tuning.file, path.join(folder, tuningFile));
  if (path.basename(checkpoint.path) === path.basename(file)) linkOrCopy(checkpoint.path, file);
  else writeModel(folder, storedTensors(checkpoint));
}

function writeParts(
  folder: string,
  {recipe}: DecoderSetup,
  {vae, unet, values}: TrainedDecoder,
  format: DiffusionFormat,
): void {
  /** A part's trained values, else the stored ones as they are. */
  const tensorsOf = (name: string, {stored}: InitialPart<unknown>): TensorToWrite[] => {
    const own = [...values].filter(([key]) => key.startsWith(`${name}.`));
    if (own.length === 0) return storedTensors(stored!.checkpoint);
    const named = new Map(own.map(([key, value]) => [key.slice(name.length + 1), value]));
    return encodedTensors(named, recipe.save.encoding);
  };
  writeVae(path.join(folder, 'vae'), vae.config, tensorsOf('vae', vae), format);
  if (!unet) return;
  writeUnet(path.join(folder, 'unet'), unet.config, tensorsOf('unet', unet), format);
  writeNoiseSchedule(path.join(folder, 'scheduler'), recipe.noise);
}
