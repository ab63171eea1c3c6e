// A trained model's files: emu's own folder, and what the official code loads.
import {copyFileSync, existsSync, linkSync, mkdirSync} from 'node:fs';
import path from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import {encode} from '../kernels/encoding.js';
import type {EmuConfig} from '../model/emu.js';
import type {Checkpoint} from '../weights/checkpoint.js';
import {formatConfig, type Mode} from '../weights/config.js';
import {writePytorch} from '../weights/pytorchWriter.js';
import {type TensorToWrite, writeSafetensors} from '../weights/safetensors.js';
import type {StoredTensor} from '../weights/storedTensor.js';
import {writeAll, writeWhole} from '../weights/writeWhole.js';

type Encoding = 'f32' | 'f16' | 'bf16';

/** Trained values to write, encoded when it is their turn. */
export function encodedTensors(
  values: ReadonlyMap<string, tf.Tensor>,
  encoding: Encoding,
): TensorToWrite[] {
  return [...values].map(([name, tensor]) => ({
    name,
    shape: tensor.shape,
    encoding,
    data: () => encode(tensor.dataSync() as Float32Array, encoding),
  }));
}

/** A checkpoint's tensor to write as it is stored. */
export function storedTensor(stored: StoredTensor): TensorToWrite {
  const {name, shape, encoding} = stored;
  return {name, shape, encoding, data: () => stored.read()};
}

export interface SavedModel {
  readonly config: EmuConfig;
  readonly mode: Mode;
  /** A word vocabulary's tokens. */
  readonly words?: readonly string[] | undefined;
  /** A vocabulary's file to copy beside the model. */
  readonly vocabularyFile?: string | undefined;
}

/** config.json and the vocabulary. */
export function writeDescription(folder: string, model: SavedModel): void {
  const {config, mode, words, vocabularyFile} = model;
  if (words) writeText(path.join(folder, 'vocab.json'), `${JSON.stringify({tokens: words})}\n`);
  else if (vocabularyFile) {
    const copy = path.join(folder, path.basename(vocabularyFile));
    if (!existsSync(copy)) copyFileSync(vocabularyFile, copy);
  }
  writeText(path.join(folder, 'config.json'), formatConfig(config, mode));
}

/** model.safetensors of emu's own folder. */
export function writeModel(folder: string, tensors: readonly TensorToWrite[]): void {
  writeSafetensors(path.join(folder, 'model.safetensors'), tensors);
}

/** `pretrain/multimodal_encoder/pytorch_model.bin`, a plain state dict. */
export function writeOfficialPretrain(folder: string, tensors: readonly TensorToWrite[]): void {
  const encoder = path.join(folder, 'pretrain', 'multimodal_encoder');
  mkdirSync(encoder, {recursive: true});
  writePytorch(path.join(encoder, 'pytorch_model.bin'), tensors);
}

/** `Emu-instruct.pt`: {"module": state dict}. */
export function writeOfficialInstruct(folder: string, tensors: readonly TensorToWrite[]): void {
  writePytorch(path.join(folder, 'Emu-instruct.pt'), tensors, {wrapper: 'module'});
}

function writeText(file: string, text: string): void {
  writeWhole(file, (fd) => writeAll(fd, Buffer.from(text)));
}

/** The same file under another name where the file system can, else a copy. */
export function shareFile(file: string, copy: string): void {
  if (existsSync(copy)) return;
  try {
    linkSync(file, copy);
  } catch {
    copyFileSync(file, copy);
  }
}

/** The tensors of a checkpoint that are not in `values`, as they are stored. */
export function otherTensors(
  checkpoint: Checkpoint,
  values: ReadonlyMap<string, unknown>,
): TensorToWrite[] {
  return [...checkpoint.tensors.values()].filter(({name}) => !values.has(name)).map(storedTensor);
}
