// A model from one layout of files into another: emu's own folder, or the release's.
import {existsSync, mkdirSync} from 'node:fs';
import path from 'node:path';
import {EmuError, InputError} from '../errors.js';
import {type OpenModel, openModel} from './openModel.js';
import {type TensorToWrite, writeSafetensors} from './safetensors.js';
import {type FloatEncoding, reencoded, storedTensors} from './tensorsToWrite.js';
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
}

export interface Converted {
  /** Checkpoints that were written. */
  readonly files: readonly string[];
  /** Where the model's image decoder lies, which is not copied. */
  readonly decoder?: string;
}

/** Every file that a conversion may write tensors into. */
export function outputFiles(out: string): string[] {
  return [
    path.join(out, modelFile),
    path.join(out, tuningFile),
    officialFile(out, 'pretrain'),
    officialFile(out, 'instruct'),
  ];
}

/**
 * Writes the model, as --model takes it, into the folder `out`. Throws EmuError for a form that the model cannot
 * have, InputError for a folder that holds a model already.
 */
export function convertModel(model: string, out: string, options: ConvertOptions): Converted {
  const {config, mergesLora, format, encoding} = options;
  if (outputFiles(out).some((file) => existsSync(file)))
    throw new InputError(out, 'already holds a model', 'name another folder');
  const opened = openModel(model, config === undefined ? {} : {config});
  try {
    mkdirSync(out, {recursive: true});
    const write = mergesLora ? writeMerged : format === 'emu' ? writeOwn : writeReleased;
    const files = write(opened, out, encoding);
    const {decoderFolder} = opened.location;
    return {files, ...(decoderFolder === undefined ? {} : {decoder: decoderFolder})};
  } finally {
    opened.tuning?.checkpoint.close();
    opened.checkpoint.close();
  }
}

type Writer = (model: OpenModel, out: string, encoding: FloatEncoding | undefined) => string[];

const inEncoding = (tensors: readonly TensorToWrite[], encoding: FloatEncoding | undefined) =>
  encoding ? tensors.map((tensor) => reencoded(tensor, encoding)) : tensors;

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
  const tensors = inEncoding(storedTensors(tuning.checkpoint), encoding);
  writeSafetensors(tuned, tensors, formatTuning(tuning.config));
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
