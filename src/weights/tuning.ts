// An instruction tuning beside its base: LoRA matrices, and the embeddings of the tokens it teaches, in
// instruct.safetensors. The base may be a pretrained checkpoint, whose names lack peft's wrapping, or an
// instruct one.
import {existsSync} from 'node:fs';
import path from 'node:path';
import type tf from '#tfjs';
import {ModelError} from '../errors.js';
import {checkTensors} from './checkTensors.js';
import {type Checkpoint, openCheckpoint} from './checkpoint.js';
import {type EmuConfig, loraSchema} from './config.js';
import {emuTensors, llamaPrefix} from './emuTensors.js';

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
    private readonly prefix = '',
  ) {}

  tensor(name: string, shape: readonly number[]): tf.Tensor {
    const full = this.prefix + name;
    if (isTuned(full)) return this.tuning.tensor(full, shape);
    return this.base.tensor(baseName(full, this.isBaseWrapped), shape);
  }

  scope(prefix: string): TunedWeights {
    const {base, tuning, isBaseWrapped} = this;
    return new TunedWeights(base, tuning, isBaseWrapped, `${this.prefix}${prefix}.`);
  }
}

export const tuningFile = 'instruct.safetensors';

/** A tuning's file, and the configuration of its base with it. */
export interface Tuning {
  readonly config: EmuConfig;
  readonly checkpoint: Checkpoint;
}

/** What a tuning's file says of itself, in its metadata. */
export function formatTuning(config: EmuConfig, base?: string): Record<string, string> {
  return {lora: JSON.stringify(config.lora), ...(base === undefined ? {} : {base})};
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
    const config = {...base, lora: readLora(checkpoint)};
    const required = emuTensors(config).required.filter(({name}) => isTuned(name));
    const wayOut = 'it was made for another base than the one it is used with';
    checkTensors(checkpoint, {required, optional: []}, wayOut);
    return {config, checkpoint};
  } catch (error) {
    checkpoint.close();
    throw error;
  }
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
