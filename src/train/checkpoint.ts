// A run's folder: the recipe as it runs, metrics.jsonl, the newest checkpoint, and the model itself, so
// that the folder is a `--model`. Every file in it is complete or absent.
import {appendFileSync, existsSync, mkdirSync, readdirSync, rmSync} from 'node:fs';
import path from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import {InputError} from '../errors.js';
import {encode} from '../kernels/encoding.js';
import type {EmuConfig} from '../model/emu.js';
import {openCheckpoint} from '../weights/checkpoint.js';
import {formatConfig} from '../weights/config.js';
import {decodeFloat32} from '../weights/decode.js';
import {writeSafetensors} from '../weights/safetensors.js';
import {writeAll, writeWhole} from '../weights/writeWhole.js';

/** Where a run stands, beside its tensors. */
export interface RunState {
  /** Steps taken in all phases together. */
  readonly step: number;
  readonly optimizerSteps: number;
  readonly random: readonly number[];
}

const stateName = /^checkpoint-(\d+)$/;

function bytesOf(tensor: tf.Tensor): Uint8Array {
  const values = tensor.dataSync();
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function writeText(file: string, text: string): void {
  writeWhole(file, (fd) => writeAll(fd, Buffer.from(text)));
}

export class RunFolder {
  constructor(readonly folder: string) {}

  /** Starts a new run; refuses to overwrite one. */
  create(recipeText: string): void {
    if (existsSync(path.join(this.folder, 'recipe.yaml')))
      throw new InputError(
        this.folder,
        'already holds a run',
        'go on with --resume or name another --out',
      );
    mkdirSync(this.folder, {recursive: true});
    writeText(path.join(this.folder, 'recipe.yaml'), recipeText);
  }

  /** Adds one line to metrics.jsonl. */
  log(values: Readonly<Record<string, number | string>>): void {
    appendFileSync(path.join(this.folder, 'metrics.jsonl'), `${JSON.stringify(values)}\n`);
  }

  /** Writes the newest checkpoint, then removes the one before it. */
  saveState(state: RunState, tensors: ReadonlyMap<string, tf.Tensor>): void {
    const name = `checkpoint-${state.step}`;
    const list = [...tensors].map(([tensorName, tensor]) => ({
      name: tensorName,
      shape: tensor.shape,
      encoding: 'f32' as const,
      data: () => bytesOf(tensor),
    }));
    writeSafetensors(path.join(this.folder, `${name}.safetensors`), list, {
      state: JSON.stringify(state),
    });
    for (const file of this.checkpoints()) if (file.step !== state.step) rmSync(file.path);
  }

  /** The newest checkpoint's state and values by name, or undefined before the first. */
  loadState(): {state: RunState; values: Map<string, Float32Array>} | undefined {
    const newest = this.checkpoints().at(-1);
    if (!newest) return undefined;
    const checkpoint = openCheckpoint(newest.path);
    try {
      const state = JSON.parse(checkpoint.metadata.state ?? 'null') as RunState | null;
      if (!state) throw new InputError(newest.path, 'is no checkpoint of a run');
      const values = new Map(
        [...checkpoint.tensors].map(([name, stored]) => [
          name,
          Float32Array.from(decodeFloat32(stored.read(), stored.encoding)),
        ]),
      );
      return {state, values};
    } finally {
      checkpoint.close();
    }
  }

  /** Writes model.safetensors (float16), config.json and vocab.json. */
  saveModel(
    config: EmuConfig,
    vocabulary: readonly string[],
    weights: ReadonlyMap<string, tf.Tensor>,
  ): void {
    const list = [...weights].map(([name, tensor]) => ({
      name,
      shape: tensor.shape,
      encoding: 'f16' as const,
      data: () => encode(tensor.dataSync() as Float32Array, 'f16'),
    }));
    writeText(path.join(this.folder, 'vocab.json'), `${JSON.stringify({tokens: vocabulary})}\n`);
    writeText(path.join(this.folder, 'config.json'), formatConfig(config, 'pretrain'));
    writeSafetensors(path.join(this.folder, 'model.safetensors'), list);
  }

  /** The recipe of the run that is in the folder. */
  recipeFile(): string {
    const file = path.join(this.folder, 'recipe.yaml');
    if (!existsSync(file)) throw new InputError(this.folder, 'holds no run to resume');
    return file;
  }

  private checkpoints(): {path: string; step: number}[] {
    return readdirSync(this.folder)
      .flatMap((file) => {
        const match = stateName.exec(path.basename(file, '.safetensors'));
        return match && file.endsWith('.safetensors')
          ? [{path: path.join(this.folder, file), step: Number(match[1])}]
          : [];
      })
      .sort((a, b) => a.step - b.step);
  }
}
