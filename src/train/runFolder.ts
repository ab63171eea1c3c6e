// A run's folder: the recipe as it runs, metrics.jsonl, samples.jsonl, checkpoints, and the model itself,
// so that the folder is a `--model`. Every file in it is complete or absent; of metrics.jsonl and samples.jsonl
// it is every line but the last, which resuming takes away.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
} from 'node:fs';
import path from 'node:path';
import type tf from '#tfjs';
import {InputError} from '../errors.js';
import {openCheckpoint} from '../weights/checkpoint.js';
import {decodeFloat32} from '../weights/decode.js';
import {writeSafetensors} from '../weights/safetensors.js';
import {writeText} from '../weights/writeWhole.js';
import {LOCK, lockRun} from './runLock.js';

/** Where a run stands, beside its tensors. Data and random numbers depend on the step alone. */
export interface RunState {
  /** Steps taken in all phases together. */
  readonly step: number;
  readonly optimizerSteps: number;
  /** The lowest validation loss of the phase that was validated last, and after which step. */
  readonly best?:
    | {readonly phase: string; readonly step: number; readonly loss: number}
    | undefined;
}

const RECIPE = 'recipe.yaml';
const METRICS = 'metrics.jsonl';
const SAMPLES = 'samples.jsonl';
/** What describes a model of emu's or the Hub's layout. */
const modelNames = ['config.json', 'model_index.json'];
const stateName = /^checkpoint-(\d+)\.safetensors$/;
/** What an interrupted writeWhole of a killed process leaves. */
const temporaryName = /^\..+\.\d+-[0-9a-f]{8}\.tmp$/;

function bytesOf(tensor: tf.Tensor): Uint8Array {
  const values = tensor.dataSync();
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

export class RunFolder {
  constructor(readonly folder: string) {}

  /** Keeps other processes out; returns what lets them in again. Throws InputError when one is in. */
  lock(): () => void {
    try {
      mkdirSync(this.folder, {recursive: true});
    } catch (error) {
      const {code} = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST' && code !== 'ENOTDIR') throw error;
      throw new InputError(this.folder, 'is a file or lies in one', 'name a folder as --out');
    }
    return lockRun(this.folder);
  }

  get holdsRun(): boolean {
    return existsSync(this.file(RECIPE));
  }

  /** Starts a new run; refuses to overwrite a model or a run that has come to its first step. */
  create(recipeText: string): void {
    const hasBegun = this.checkpoints().length > 0 || existsSync(this.file(METRICS));
    if (hasBegun || modelNames.some((name) => existsSync(this.file(name))))
      throw new InputError(
        this.folder,
        hasBegun ? 'already holds a run' : 'already holds a model',
        hasBegun ? 'go on with --resume or name another --out' : 'name another --out',
      );
    this.removeTemporaries();
    writeText(this.file(RECIPE), recipeText);
  }

  /** The recipe of the run that is in the folder. */
  recipeFile(): string {
    if (!this.holdsRun)
      throw new InputError(this.folder, 'holds no run to resume', 'name a recipe to start one');
    return this.file(RECIPE);
  }

  /** Adds one line to metrics.jsonl. */
  log(values: Readonly<Record<string, number | string>>): void {
    appendFileSync(this.file(METRICS), `${JSON.stringify(values)}\n`);
  }

  /** Adds what the model said after a step to samples.jsonl. */
  logSamples(step: number, samples: readonly object[]): void {
    const lines = samples.map((sample) => `${JSON.stringify({step, ...sample})}\n`);
    appendFileSync(this.file(SAMPLES), lines.join(''));
  }

  /**
   * Brings the folder to the state of its newest checkpoint, or of step 0 before the first: what a killed
   * process left half written goes, and lines of steps that will be taken again.
   */
  rewind(step: number): void {
    this.removeTemporaries();
    for (const name of [METRICS, SAMPLES]) {
      const file = this.file(name);
      if (!existsSync(file)) continue;
      const kept = readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => stepOf(line) <= step);
      writeText(file, kept.map((line) => `${line}\n`).join(''));
    }
  }

  /** Writes the newest checkpoint, then removes all but the `keep` newest and the best. */
  saveState(state: RunState, tensors: ReadonlyMap<string, tf.Tensor>, keep: number): void {
    // By name: the order in which moments came to be is not that of a resumed run.
    const list = [...tensors.keys()].sort().map((name) => ({
      name,
      shape: tensors.get(name)!.shape,
      encoding: 'f32' as const,
      data: () => bytesOf(tensors.get(name)!),
    }));
    const file = this.file(`checkpoint-${state.step}.safetensors`);
    writeSafetensors(file, list, {state: JSON.stringify(state)});
    const outdated = this.checkpoints().slice(0, -keep);
    for (const {step, path: old} of outdated) if (step !== state.best?.step) rmSync(old);
    const now = new Date();
    if (existsSync(this.file(LOCK))) utimesSync(this.file(LOCK), now, now); // a sign of life
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

  /** What a killed process was writing, the official files' folders included. */
  private removeTemporaries(): void {
    for (const name of readdirSync(this.folder, {recursive: true}) as string[])
      if (temporaryName.test(path.basename(name))) rmSync(this.file(name));
  }

  private file(name: string): string {
    return path.join(this.folder, name);
  }

  /** Oldest first. */
  private checkpoints(): {path: string; step: number}[] {
    return readdirSync(this.folder)
      .flatMap((name) => {
        const match = stateName.exec(name);
        return match ? [{path: this.file(name), step: Number(match[1])}] : [];
      })
      .sort((a, b) => a.step - b.step);
  }
}

/** The step of a line of metrics; Infinity for one that was cut off. */
function stepOf(line: string): number {
  try {
    return (JSON.parse(line) as {step: number}).step;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
