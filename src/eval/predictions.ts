// predictions.jsonl: what a model said, an item a line, written as it comes, so that a run that was stopped
// goes on. A line is {"instance_id", "prediction"}, with examples in the prompt also their ids as "supports"; or
// {"instance_id", "error"} of an item that failed.
import {closeSync, fdatasyncSync, ftruncateSync, openSync, readFileSync, statSync} from 'node:fs';
import {fileProblem} from '../data/source.js';
import {EmuError, InputError} from '../errors.js';
import {writeAll, writeText} from '../weights/writeWhole.js';
import type {ItemId, Prediction} from './benchmark.js';

export interface PredictionLine {
  readonly id: ItemId;
  readonly prediction?: Prediction;
  /** Ids of the examples that stood in the prompt, in that order. */
  readonly supports?: readonly ItemId[];
  /** Why there is none. */
  readonly error?: string;
}

export interface ReadPredictions {
  readonly file: string;
  readonly lines: readonly PredictionLine[];
  /** Bytes of the whole lines; fewer than the file's if it was cut off in the middle of one. */
  readonly wholeBytes: number;
  readonly isTorn: boolean;
}

const NEWLINE = 10;

const isId = (value: unknown): value is ItemId =>
  typeof value === 'string' || Number.isSafeInteger(value);

function isPrediction(value: unknown): value is Prediction {
  if (typeof value === 'string') return true;
  if (!Array.isArray(value)) return false;
  return (
    value.every((each) => typeof each === 'string') || value.every((each) => Number.isFinite(each))
  );
}

/** `place`: line 3, entry 3. */
function checkedLine(file: string, place: string, value: unknown): PredictionLine {
  const entry = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  const {instance_id: id, prediction, supports, error} = entry;
  if (isId(id) && isPrediction(prediction))
    return Array.isArray(supports) && supports.every(isId)
      ? {id, prediction, supports}
      : {id, prediction};
  if (isId(id) && prediction === undefined && typeof error === 'string') return {id, error};
  const got = typeof value === 'object' && value !== null ? Object.keys(value).join(', ') : value;
  const isNamed = 'instance_id' in entry && 'prediction' in entry;
  throw new InputError(
    file,
    isNamed
      ? `${place}: expected a text, a list of texts or a list of losses as prediction`
      : `${place}: expected instance_id and prediction, got ${String(got) || 'nothing'}`,
    'give predictions.jsonl or the official code’s list, not a submission file',
  );
}

function readList(file: string, text: string): PredictionLine[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw new InputError(file, `is not JSON (${(error as Error).message})`, 'is it cut off?');
  }
  return (list as unknown[]).map((entry, i) => checkedLine(file, `entry ${i + 1}`, entry));
}

/**
 * A file of predictions in either form: lines, or the official code's one list. A last line that was cut
 * off is left out.
 */
export function readPredictions(file: string): ReadPredictions {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw fileProblem(file, error);
  }
  const text = bytes.toString('utf8');
  if (text.trimStart().startsWith('['))
    return {file, lines: readList(file, text), wholeBytes: bytes.length, isTorn: false};
  const pieces = text.split('\n');
  const last = pieces.pop()!; // '' after a whole last line
  const lines: PredictionLine[] = [];
  const add = (piece: string, number: number) => {
    if (piece.trim() === '') return;
    let value: unknown;
    try {
      value = JSON.parse(piece);
    } catch {
      throw new InputError(
        file,
        `line ${number} is not JSON`,
        'delete that line and let the run go on with --resume',
      );
    }
    lines.push(checkedLine(file, `line ${number}`, value));
  };
  for (const [i, piece] of pieces.entries()) add(piece, i + 1);
  // Other programs end a file without a line end. Of a torn line the closing brace is missing; what
  // begins otherwise is no file of predictions, and must not be cut.
  const isWhole = last.trim() === '' || isJson(last) || !isTornLine(last);
  if (isWhole) add(last, pieces.length + 1);
  const wholeBytes = isWhole ? bytes.length : bytes.lastIndexOf(NEWLINE) + 1;
  return {file, lines, wholeBytes, isTorn: !isWhole};
}

const LINE_START = '{"instance_id":';

function isTornLine(text: string): boolean {
  const start = text.replaceAll(/\s/g, '').slice(0, LINE_START.length);
  return start === LINE_START.slice(0, start.length);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export function predictionLine({id, prediction, supports, error}: PredictionLine): string {
  const said = prediction === undefined ? {error} : {prediction, supports};
  return `${JSON.stringify({instance_id: id, ...said})}\n`;
}

/** Adds to predictions.jsonl a whole line at a time, which a process that is killed leaves behind. */
export class PredictionWriter {
  private constructor(private fd: number | undefined) {}

  /** A new file. One that holds predictions is not written over. */
  static create(file: string): PredictionWriter {
    if ((statSync(file, {throwIfNoEntry: false})?.size ?? 0) > 0)
      throw new EmuError(`${file}: holds predictions; go on with --resume, or name another --out`, {
        code: 'run_exists',
        file,
      });
    return new PredictionWriter(openSync(file, 'a'));
  }

  /** Goes on with a file, if there is one; a line that was cut off goes. Returns what it holds as well. */
  static resume(file: string): {writer: PredictionWriter; lines: readonly PredictionLine[]} {
    if (!statSync(file, {throwIfNoEntry: false}))
      return {writer: PredictionWriter.create(file), lines: []};
    const {lines, wholeBytes} = readPredictions(file);
    const bytes = readFileSync(file).subarray(0, wholeBytes);
    if (bytes.toString('latin1').trimStart().startsWith('['))
      throw new InputError(
        file,
        'is one list, to which no line can be added',
        'name another --out',
      );
    const fd = openSync(file, 'a');
    ftruncateSync(fd, wholeBytes);
    if (bytes.length > 0 && bytes.at(-1) !== NEWLINE) writeAll(fd, Buffer.from('\n'));
    return {writer: new PredictionWriter(fd), lines};
  }

  write(line: PredictionLine): void {
    if (this.fd === undefined) throw new Error('predictions: written to after close');
    writeAll(this.fd, Buffer.from(predictionLine(line)));
  }

  close(): void {
    if (this.fd === undefined) return;
    fdatasyncSync(this.fd);
    closeSync(this.fd);
    this.fd = undefined;
  }
}

/** A whole file at once: of shards that were put together. */
export function writePredictions(file: string, lines: readonly PredictionLine[]): void {
  writeText(file, lines.map(predictionLine).join(''));
}

export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/** Every `count`-th item from the `index`-th on, so that all shards are alike. */
export function shardOf<T>(items: readonly T[], {index, count}: Shard): T[] {
  return items.filter((_, i) => i % count === index);
}
