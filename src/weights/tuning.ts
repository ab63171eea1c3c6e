// An instruction tuning beside its base: LoRA matrices, and what the tokens it adds need, in
// instruct.safetensors: rows of embeddings, or vocabulary tables of its own. The base may be a pretrained
// checkpoint, whose names lack peft's wrapping, or an instruct one.
import {existsSync} from 'node:fs';
import path from 'node:path';
import type tf from '#tfjs';
import {ModelError} from '../errors.js';
import {checkTensors} from './checkTensors.js';
import {type Checkpoint, openCheckpoint} from './checkpoint.js';
import {type EmuConfig, llamaSchema, loraSchema} from './config.js';
import {emuTensors, isVocabularyTable, llamaPrefix} from './emuTensors.js';

/** Whether a weight is the tuning's, by the name that an instruct model asks for. */
export function isTuned(name: string): boolean {
  return /\.lora_[AB]\.|^embed_rows$/.test(name);
}

/** Where weights of a name and shape come from: a checkpoint, or variables in training. */
interface Source {
  tensor(name: string, shape: readonly number[]): tf.Tensor;
}

const WRAPPED = `${llamaPrefix({lora: {}})}.`;
const PLAIN = `${llamaPrefix({})}.`;

/** The name in a base of what an instruct model asks for. */
export function baseName(name: string, isBaseWrapped: boolean): string {
  return isBaseWrapped || !name.startsWith(WRAPPED) ? name : PLAIN + name.slice(WRAPPED.length);
}

/** The name in an instruct model of a base's tensor, wrapped or not. */
export function wrappedName(name: string): string {
  const isPlain = name.startsWith(PLAIN) && !name.startsWith(WRAPPED);
  return isPlain ? WRAPPED + name.slice(PLAIN.length) : name;
}

/** The weights of an instruct model: the tuning's own, the others the base's where they lie. */
export class TunedWeights {
  constructor(
    private readonly base: Source,
    private readonly tuning: Source,
    private readonly isBaseWrapped: boolean,
    private readonly isOwn: (name: string) => boolean = isTuned,
    private readonly prefix = '',
  ) {}

  tensor(name: string, shape: readonly number[]): tf.Tensor {
    const full = this.prefix + name;
    if (this.isOwn(full)) return this.tuning.tensor(full, shape);
    return this.base.tensor(baseName(full, this.isBaseWrapped), shape);
  }

  scope(prefix: string): TunedWeights {
    const {base, tuning, isBaseWrapped, isOwn} = this;
    return new TunedWeights(base, tuning, isBaseWrapped, isOwn, `${this.prefix}${prefix}.`);
  }
}

export const tuningFile = 'instruct.safetensors';

/** A tuning's file, and the configuration of its base with it. */
export interface Tuning {
  readonly config: EmuConfig;
  readonly checkpoint: Checkpoint;
  /** Its vocabulary is larger than the base's: it has tables of its own. */
  readonly hasTables: boolean;
}

/** What a tuning's file says of itself, in its metadata. */
export interface TuningFacts {
  readonly lora?: EmuConfig['lora'];
  /** Where its base lies, if not beside it. */
  readonly base?: string | undefined;
  /** Rows of its vocabulary tables, if it has tables. */
  readonly vocabSize?: number | undefined;
}

export function formatTuning({lora, base, vocabSize}: TuningFacts): Record<string, string> {
  return {
    lora: JSON.stringify(lora),
    ...(base === undefined ? {} : {base}),
    ...(vocabSize === undefined ? {} : {vocab_size: `${vocabSize}`}),
  };
}

/** The base that the tuning in a folder names, if it does not lie beside it. */
export function tuningBase(folder: string): string | undefined {
  const file = path.join(folder, tuningFile);
  if (!existsSync(file)) return undefined;
  const checkpoint = openCheckpoint(file);
  checkpoint.close();
  const {base} = checkpoint.metadata;
  return base === undefined ? undefined : path.resolve(folder, base);
}

/** Opens the tuning in a model's folder, if there is one. Throws ModelError when it does not fit its base. */
export function openTuning(folder: string, base: EmuConfig): Tuning | undefined {
  const file = path.join(folder, tuningFile);
  if (!existsSync(file)) return undefined;
  const checkpoint = openCheckpoint(file);
  try {
    const vocabSize = readVocabSize(checkpoint);
    const hasTables = vocabSize !== undefined;
    const llama = hasTables ? {...base.llama, vocabSize} : base.llama;
    const config = {...base, llama, lora: readLora(checkpoint)};
    const required = emuTensors(config).required.filter(
      ({name}) => isTuned(name) || (hasTables && isVocabularyTable(name)),
    );
    const wayOut = 'it was made for another base than the one it is used with';
    checkTensors(checkpoint, {required, optional: []}, wayOut);
    return {config, checkpoint, hasTables};
  } catch (error) {
    checkpoint.close();
    throw error;
  }
}

function readVocabSize({path: file, metadata}: Checkpoint): number | undefined {
  const {vocab_size: text} = metadata;
  if (text === undefined) return undefined;
  const vocabSize = llamaSchema.shape.vocabSize.safeParse(Number(text));
  if (vocabSize.success) return vocabSize.data;
  throw new ModelError(file, `metadata vocab_size: ${vocabSize.error.issues[0]!.message}`);
}

function readLora({path: file, metadata}: Checkpoint): NonNullable<EmuConfig['lora']> {
  let value: unknown;
  try {
    value = JSON.parse(metadata.lora ?? '');
  } catch {
    throw new ModelError(file, 'no tuning by emu: its metadata lack lora');
  }
  const lora = loraSchema.safeParse(value);
  if (!lora.success) throw new ModelError(file, `metadata lora: ${lora.error.issues[0]!.message}`);
  return lora.data;
}
