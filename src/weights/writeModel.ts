// A model's files: emu's own folder, and the release's, which the official code loads.
import {existsSync, mkdirSync} from 'node:fs';
import path from 'node:path';
import {EmuError} from '../errors.js';
import {type EmuConfig, formatConfig, type Mode} from './config.js';
import {releaseFiles} from './mode.js';
import {officialConfigFiles, officialProblem, withUnusedTensors} from './officialForm.js';
import {writePytorch} from './pytorchWriter.js';
import {type TensorToWrite, writeSafetensors} from './safetensors.js';
import {type FloatEncoding, reencoded} from './tensorsToWrite.js';
import {copyWhole, writeText} from './writeWhole.js';

export interface SavedModel {
  readonly config: EmuConfig;
  readonly mode: Mode;
  /** A word vocabulary's tokens. */
  readonly words?: readonly string[] | undefined;
  /** A vocabulary's file to copy beside the model. */
  readonly vocabularyFile?: string | undefined;
}

export const modelFile = 'model.safetensors';

/** config.json and the vocabulary. */
export function writeDescription(folder: string, model: SavedModel): void {
  writeVocabulary(folder, model);
  writeText(path.join(folder, 'config.json'), formatConfig(model.config, model.mode));
}

function writeVocabulary(folder: string, {words, vocabularyFile}: SavedModel): void {
  if (words) writeText(path.join(folder, 'vocab.json'), `${JSON.stringify({tokens: words})}\n`);
  else if (vocabularyFile) {
    const copy = path.join(folder, path.basename(vocabularyFile));
    if (!existsSync(copy)) copyWhole(vocabularyFile, copy);
  }
}

/** model.safetensors of emu's own folder. */
export function writeModel(folder: string, tensors: readonly TensorToWrite[]): void {
  writeSafetensors(path.join(folder, modelFile), tensors);
}

/** Files that `writeOfficial` writes tensors into. */
export function officialFile(folder: string, mode: Mode): string {
  return path.join(folder, releaseFiles[mode]);
}

/**
 * The file of the release of that mode: pretrain/multimodal_encoder/pytorch_model.bin, a plain state dict, or
 * Emu-instruct.pt, {"module": state dict}, every tensor in `encoding` if given; with the configuration files
 * and the vocabulary where a reader looks for them. Throws EmuError for a model that the official code has no
 * place for.
 */
export function writeOfficial(
  folder: string,
  model: SavedModel,
  tensors: readonly TensorToWrite[],
  encoding?: FloatEncoding,
): void {
  const {config, mode} = model;
  const file = officialFile(folder, mode);
  const problem =
    officialProblem(config) ??
    (mode === 'instruct' && !config.lora ? 'with LoRA merged a model has no official form' : '');
  if (problem) throw new EmuError(`writing ${file}: ${problem}`, {code: 'no_official_form', file});
  const all = withUnusedTensors(tensors, config, encoding ?? floatEncoding(tensors)).map(
    (tensor) => (encoding ? reencoded(tensor, encoding) : tensor),
  );
  mkdirSync(path.dirname(file), {recursive: true});
  writePytorch(file, all, mode === 'instruct' ? {wrapper: 'module'} : {});
  const configFolder = mode === 'pretrain' ? path.join(folder, 'pretrain') : folder;
  mkdirSync(path.join(configFolder, 'llama_config'), {recursive: true});
  for (const [name, text] of officialConfigFiles(config, mode, all))
    writeText(path.join(configFolder, name), text);
  writeVocabulary(path.join(configFolder, 'llama_config'), model);
}

/** What most weights are stored in, by the first. */
function floatEncoding([first]: readonly TensorToWrite[]): FloatEncoding {
  const encoding = first?.encoding;
  return encoding === 'f16' || encoding === 'bf16' ? encoding : 'f32';
}
