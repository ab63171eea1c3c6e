// A model from one layout of files into another: emu's own folder, or the release's.
import {existsSync, mkdirSync} from 'node:fs';
import path from 'node:path';
import {EmuError, InputError} from '../errors.js';
import {convertPair} from './convertPair.js';
import {copyDecoder, decoderParts} from './copyDecoder.js';
import {type OpenModel, openModel} from './openModel.js';
import {writeSafetensors} from './safetensors.js';
import {type FloatEncoding, inEncoding, storedTensors} from './tensorsToWrite.js';
import {formatTuning, tuningFile} from './tuning.js';
import {mergeLora, wholeInstruct} from './wholeInstruct.js';
import {
  modelFile,
  officialFile,
  type SavedModel,
  writeDescription,
  writeModel,
  writeOfficial,
} from './writeModel.js';

export interface ConvertOptions {
  /** Folder of configuration files, as --config. */
  readonly config?: string;
  readonly format: 'emu' | 'official';
  /** Writes the instruct model alone, its LoRA matrices merged into the weights. */
  readonly mergesLora: boolean;
  /** Default: every tensor as it is stored. */
  readonly encoding?: FloatEncoding;
  /** The model's instruct checkpoint: both become one model where they share their base. */
  readonly instruct?: string;
}

export interface Converted {
  /** Checkpoints that were written, and folders of the image decoder. */
  readonly files: readonly string[];
  /** Of a pair: whether its base is shared, of how many tensors that were compared. */
  readonly pair?: {
    readonly isShared: boolean;
    readonly compared: number;
    /** Names of those that are not equal. */
    readonly different: readonly string[];
  };
}

/** Everything that a conversion may write: tensors, and the image decoder's folders. */
export function outputFiles(out: string): string[] {
  const places = [out, path.join(out, 'pretrain'), path.join(out, 'instruct')];
  return [
    ...places.map((place) => path.join(place, modelFile)),
    path.join(out, tuningFile),
    officialFile(out, 'pretrain'),
    officialFile(out, 'instruct'),
    ...places.flatMap((place) => decoderParts.map((part) => path.join(place, part))),
  ];
}

/**
 * Writes the model, as --model takes it, into the folder `out`, with its image decoder if it has one. Throws
 * EmuError for a form that the model cannot have, InputError for a folder that holds a model already.
 */
export function convertModel(model: string, out: string, options: ConvertOptions): Converted {
  const {config, mergesLora, format, encoding, instruct} = options;
  if (outputFiles(out).some((file) => existsSync(file)))
    throw new InputError(out, 'already holds a model', 'name another folder');
  if (instruct !== undefined) return convertPair(model, instruct, out, {config, encoding});
  const opened = openModel(model, config === undefined ? {} : {config});
  try {
    mkdirSync(out, {recursive: true});
    const write = mergesLora ? writeMerged : format === 'emu' ? writeOwn : writeReleased;
    const files = write(opened, out, encoding);
    const {decoderFolder} = opened.location;
    if (decoderFolder === undefined) return {files};
    const place = format === 'emu' ? out : path.join(out, 'pretrain');
    return {files: [...files, ...copyDecoder(decoderFolder, place)]};
  } finally {
    opened.tuning?.checkpoint.close();
    opened.checkpoint.close();
  }
}

type Writer = (model: OpenModel, out: string, encoding: FloatEncoding | undefined) => string[];

/** What belongs beside the tensors. */
function described({location, config}: OpenModel): SavedModel {
  return {config, mode: location.mode, vocabularyFile: location.tokenizer};
}

/** The base, and its tuning where it has one. */
const writeOwn: Writer = (model, out, encoding) => {
  const {checkpoint, tuning} = model;
  writeDescription(out, described(model));
  writeModel(out, inEncoding(storedTensors(checkpoint), encoding));
  const files = [path.join(out, modelFile)];
  if (!tuning) return files;
  const tuned = path.join(out, tuningFile);
  const {config, hasTables} = tuning;
  const {vocabSize} = config.llama;
  const facts = {lora: config.lora, vocabSize: hasTables ? vocabSize : undefined};
  const tensors = inEncoding(storedTensors(tuning.checkpoint), encoding);
  writeSafetensors(tuned, tensors, formatTuning(facts));
  return [...files, tuned];
};

/** The pretrain model and the instruct model, whichever there are; a tuned instruct model in the place of its base. */
const writeReleased: Writer = (model, out, encoding) => {
  const {checkpoint, tuning, location} = model;
  const files: string[] = [];
  if (!tuning || location.mode === 'pretrain') {
    writeOfficial(out, described(model), storedTensors(checkpoint), encoding);
    files.push(officialFile(out, location.mode));
  }
  if (!tuning) return files;
  const {config, tensors} = instructOf(model, encoding);
  writeOfficial(out, {...described(model), config, mode: 'instruct'}, tensors, encoding);
  return [...files, officialFile(out, 'instruct')];
};

const writeMerged: Writer = (model, out, encoding) => {
  const {config, tensors} = mergeLora(instructOf(model, encoding), encoding);
  writeDescription(out, {...described(model), config, mode: 'instruct'});
  writeModel(out, tensors);
  return [path.join(out, modelFile)];
};

/** The instruct model of a checkpoint, or of a base and its tuning. */
function instructOf(
  {checkpoint, config, tuning, location}: OpenModel,
  encoding: FloatEncoding | undefined,
) {
  const base = {config, tensors: storedTensors(checkpoint)};
  if (tuning) {
    const tensors = storedTensors(tuning.checkpoint);
    return wholeInstruct(base, {config: tuning.config, tensors}, encoding);
  }
  if (config.lora) return base;
  throw new EmuError(`${location.checkpoint}: it has no LoRA matrices to merge`, {
    code: 'no_lora',
    file: location.checkpoint,
  });
}
