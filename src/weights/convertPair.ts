// The two released checkpoints as one model with both modes: the pretrained one as the base, and of the
// instruct one what is its own. That holds where they share their base, which is checked tensor by tensor.
import {mkdirSync} from 'node:fs';
import path from 'node:path';
import {ModelError} from '../errors.js';
import {sameShape} from './checkTensors.js';
import type {EmuConfig} from './config.js';
import type {Converted, ConvertOptions} from './convertModel.js';
import {copyDecoder} from './copyDecoder.js';
import {decodeFloat32} from './decode.js';
import {emuTensors, isVocabularyTable} from './emuTensors.js';
import {type OpenModel, openModel} from './openModel.js';
import {writeSafetensors} from './safetensors.js';
import {encodingBytes, type StoredTensor} from './storedTensor.js';
import {inEncoding, storedTensor, storedTensors} from './tensorsToWrite.js';
import {formatTuning, isTuned, tuningFile, wrappedName} from './tuning.js';
import {modelFile, writeDescription, writeModel} from './writeModel.js';

/** Elements that are compared at once where the numbers have to be decoded: 8 MB of float32. */
const CHUNK = 2 ** 20;

type Options = {readonly [K in 'config' | 'encoding']: ConvertOptions[K] | undefined};

/**
 * Writes the pair into `out`: one model of both modes, or, where tensors of the base differ, the folders
 * pretrain/ and instruct/, a model each. Throws ModelError for checkpoints that are not such a pair.
 */
export function convertPair(
  pretrain: string,
  instruct: string,
  out: string,
  {config, encoding}: Options,
): Converted {
  const options = config === undefined ? {} : {config};
  const base = openModel(pretrain, {...options, mode: 'pretrain'});
  try {
    if (base.tuning) throw new ModelError(pretrain, 'it has an instruction tuning already');
    const tuned = openModel(instruct, {...options, mode: 'instruct'});
    try {
      checkInstruct(tuned, instruct);
      const {compared, different} = compareBases(base, tuned);
      mkdirSync(out, {recursive: true});
      const isShared = different.length === 0;
      const files = isShared
        ? writeOne(base, tuned, out, encoding)
        : writeBoth(base, tuned, out, encoding);
      const {decoderFolder} = base.location;
      const place = isShared ? out : path.join(out, 'pretrain');
      const copied = decoderFolder === undefined ? [] : copyDecoder(decoderFolder, place);
      return {files: [...files, ...copied], pair: {isShared, compared, different}};
    } finally {
      tuned.tuning?.checkpoint.close();
      tuned.checkpoint.close();
    }
  } finally {
    base.tuning?.checkpoint.close();
    base.checkpoint.close();
  }
}

function checkInstruct({config, tuning}: OpenModel, instruct: string): void {
  if (tuning)
    throw new ModelError(instruct, 'it is a base with a tuning; name an instruct checkpoint');
  if (!config.lora || config.lora.tokenRows)
    throw new ModelError(instruct, 'its LoRA matrices do not stand beside the weights they adapt');
}

/**
 * Compares what both compute with, a part of a tensor at a time: bytes, or numbers where the encodings differ. The
 * vocabulary tables count as far as the base's reach: the instruct model's have rows for tokens of its own.
 */
export function compareBases(
  base: OpenModel,
  tuned: OpenModel,
): {compared: number; different: string[]} {
  const {required} = emuTensors(base.config);
  const stored = tuned.checkpoint.tensors;
  const isSame = sizesOf(base.config) === sizesOf(tuned.config);
  const different = required
    .map(({name}) => name)
    .filter((name) => {
      const other = stored.get(wrappedName(name));
      return !(other && isSame && isEqual(base.checkpoint.tensors.get(name)!, other));
    });
  return {compared: required.length, different};
}

/** All sizes but the vocabulary's. */
function sizesOf({vision, causalFormer, llama}: EmuConfig): string {
  const entries = Object.entries({...vision, ...causalFormer, ...llama, vocabSize: 0});
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isEqual(a: StoredTensor, b: StoredTensor): boolean {
  const isTable = isVocabularyTable(a.name);
  const shape = isTable ? [a.shape[0]!, ...b.shape.slice(1)] : b.shape;
  if (!sameShape(a.shape, shape) || (isTable && b.shape[0]! < a.shape[0]!)) return false;
  const [left, right] = [a.read(), b.read()];
  const [leftBytes, rightBytes] = [encodingBytes[a.encoding], encodingBytes[b.encoding]];
  if (a.encoding === b.encoding)
    return Buffer.from(left.buffer, left.byteOffset, left.length).equals(
      right.subarray(0, left.length),
    );
  for (let at = 0; at * leftBytes < left.length; at += CHUNK) {
    const x = decodeFloat32(left.subarray(at * leftBytes, (at + CHUNK) * leftBytes), a.encoding);
    const y = decodeFloat32(right.subarray(at * rightBytes, (at + CHUNK) * rightBytes), b.encoding);
    if (!x.every((value, i) => Object.is(value, y[i]))) return false;
  }
  return true;
}

/** The base, and beside it the LoRA matrices and the vocabulary tables of the instruct model. */
function writeOne(
  base: OpenModel,
  tuned: OpenModel,
  out: string,
  encoding: ConvertOptions['encoding'],
): string[] {
  const {config, location, checkpoint} = base;
  const vocabularyFile = location.tokenizer ?? tuned.location.tokenizer;
  writeDescription(out, {config, mode: 'pretrain', vocabularyFile});
  writeModel(out, inEncoding(storedTensors(checkpoint), encoding));
  const own = [...tuned.checkpoint.tensors.values()]
    .filter(({name}) => isTuned(name) || isVocabularyTable(name))
    .map(storedTensor);
  const {lora, llama} = tuned.config;
  const file = path.join(out, tuningFile);
  const facts = formatTuning({lora, vocabSize: llama.vocabSize});
  writeSafetensors(file, inEncoding(own, encoding), facts);
  return [path.join(out, modelFile), file];
}

function writeBoth(
  base: OpenModel,
  tuned: OpenModel,
  out: string,
  encoding: ConvertOptions['encoding'],
): string[] {
  return [base, tuned].map(({config, location, checkpoint}) => {
    const folder = path.join(out, location.mode);
    mkdirSync(folder, {recursive: true});
    writeDescription(folder, {config, mode: location.mode, vocabularyFile: location.tokenizer});
    writeModel(folder, inEncoding(storedTensors(checkpoint), encoding));
    return path.join(folder, modelFile);
  });
}
