// Reference tensors and texts made by the official code (fixtures/goldens/README.md tells how).
// EMU_GOLDENS=DIR takes another set in the same layout; else ../shared/goldens beside the clone; else
// the part of it that the repository carries. Example pictures and the tokenizer are always the visible ones.
import {existsSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import tf from '#tfjs';
import {openCheckpoint} from '../../src/weights/checkpoint.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const shared = path.resolve(root, '../shared/goldens');
const carried = path.join(root, 'fixtures/goldens');

function sets(): string[] {
  return process.env.EMU_GOLDENS ? [path.resolve(process.env.EMU_GOLDENS)] : [shared, carried];
}

/** A file or folder of the golden set, e.g. `tiny-config`; undefined where this clone lacks it. */
export function goldenPath(relative: string): string | undefined {
  const always = /^(examples|llama_config)\b/.test(relative) ? [shared, carried] : [];
  return [...sets(), ...always]
    .map((set) => path.join(set, relative))
    .find((file) => existsSync(file));
}

/** The set's folder (holding `goldens/`, `tiny-config/`, ...), or undefined where there is none. */
export function goldensFolder(): string | undefined {
  return sets().find((set) => existsSync(path.join(set, 'goldens')));
}

export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint8Array | BigInt64Array;
}

/** One group, e.g. `vision`: its JSON and its tensors. */
export class GoldenGroup {
  private readonly tensors: ReturnType<typeof openCheckpoint> | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: the JSON of each group has its own form
  readonly json: any;

  constructor(
    readonly group: string,
    jsonFile: string | undefined,
    tensorFile: string | undefined,
  ) {
    this.json = jsonFile ? JSON.parse(readFileSync(jsonFile, 'utf8')) : undefined;
    this.tensors = tensorFile ? openCheckpoint(tensorFile) : undefined;
  }

  has(name: string): boolean {
    return this.tensors?.tensors.has(name) ?? false;
  }

  names(): string[] {
    return [...(this.tensors?.tensors.keys() ?? [])];
  }

  get(name: string): GoldenTensor {
    const stored = this.tensors?.tensors.get(name);
    if (!stored) throw new Error(`golden ${this.group} has no tensor ${name}`);
    const bytes = Uint8Array.from(stored.read());
    const data =
      stored.encoding === 'u8'
        ? bytes
        : stored.encoding === 'i64'
          ? new BigInt64Array(bytes.buffer)
          : new Float32Array(bytes.buffer);
    return {shape: stored.shape, data};
  }

  /** A float32 golden as a tensor of the current backend. */
  tensor<T extends tf.Tensor>(name: string): T {
    const {shape, data} = this.get(name);
    return tf.tensor(data as Float32Array, [...shape], 'float32') as T;
  }
}

/** The group, or undefined where neither ../shared nor the clone has it. */
export function goldens(group: string): GoldenGroup | undefined {
  const json = goldenPath(`goldens/${group}.json`);
  const tensors = goldenPath(`goldens/${group}.safetensors`);
  return json || tensors ? new GoldenGroup(group, json, tensors) : undefined;
}
