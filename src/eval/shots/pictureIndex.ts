// An index of pictures: a vector of each, by which the most similar ones are found. One safetensors file: the
// tensor `embeddings` [n, C], and in its metadata the files' names and the vision encoder that made it.
import {existsSync, rmSync, statSync} from 'node:fs';
import path from 'node:path';
import {z} from 'zod';
import {EmuError, InputError} from '../../errors.js';
import type {Item} from '../../emu.js';
import {openCheckpoint} from '../../weights/checkpoint.js';
import {writeSafetensors} from '../../weights/safetensors.js';

const FORMAT = 'emu picture index 1';
const TENSOR = 'embeddings';

/** What makes vectors of pictures: the model's thread, or a model at hand. */
export interface Embedder {
  readonly model: string;
  /** Of its vision encoder: vectors of two can't be compared. */
  readonly visionId: string;
  readonly imageSize: number;
  embed(items: Item[]): Promise<readonly Float32Array[]>;
}

export interface PictureIndex {
  /** The folder that names are relative to. */
  readonly folder: string;
  readonly visionId: string;
  readonly model: string;
  /** Of length 1, by the file's name. */
  readonly vectors: ReadonlyMap<string, IndexedFile>;
}

/** A file as it was when its vector was made: one that is no longer so is embedded anew. */
export interface IndexedFile {
  readonly size: number;
  readonly modified: number; // ms
  readonly vector: Float32Array;
}

const fileList = z.array(z.tuple([z.string(), z.number(), z.number()]));

const notIndex = (file: string) =>
  new InputError(file, 'is no index of pictures', 'make one with `emu index DIR -o FILE`');

/** Throws InputError for a file that is missing or no index. */
export function readIndex(file: string): PictureIndex {
  if (!existsSync(file)) throw new InputError(file, 'no such file', 'make it with `emu index DIR`');
  let checkpoint: ReturnType<typeof openCheckpoint>;
  try {
    checkpoint = openCheckpoint(file);
  } catch (error) {
    if (error instanceof EmuError && error.reason === 'model') throw notIndex(file);
    throw error;
  }
  try {
    const {format, files = '', folder = '', vision = '', model = ''} = checkpoint.metadata;
    const tensor = checkpoint.tensors.get(TENSOR);
    if (format !== FORMAT || tensor?.encoding !== 'f32') throw notIndex(file);
    const list = fileList.parse(JSON.parse(files));
    const [rows, width] = tensor.shape as [number, number];
    if (rows !== list.length) throw notIndex(file);
    const bytes = Uint8Array.from(tensor.read()); // the mapping ends here
    const values = new Float32Array(bytes.buffer);
    const vectors = list.map(([name, size, modified], i) => {
      const vector = values.subarray(i * width, (i + 1) * width);
      return [name, {size, modified, vector}] as const;
    });
    return {folder, visionId: vision, model, vectors: new Map(vectors)};
  } finally {
    checkpoint.close();
  }
}

export function writeIndex(file: string, {folder, visionId, model, vectors}: PictureIndex): void {
  const list = [...vectors];
  const width = list[0]![1].vector.length;
  const values = new Float32Array(list.length * width);
  for (const [i, [, {vector}]] of list.entries()) values.set(vector, i * width);
  const files = list.map(([name, {size, modified}]) => [name, size, modified]);
  writeSafetensors(
    file,
    [
      {
        name: TENSOR,
        shape: [list.length, width],
        encoding: 'f32',
        data: new Uint8Array(values.buffer),
      },
    ],
    {format: FORMAT, folder, vision: visionId, model, files: JSON.stringify(files)},
  );
}

export interface IndexOptions {
  /** Where the index is written; what it holds already of the same files is kept. */
  readonly file: string;
  readonly folder: string;
  /** Relative to the folder. */
  readonly names: readonly string[];
  readonly embedder: Embedder;
  /** A picture or video as the model is shown it. */
  readonly read: (file: string) => Promise<Item>;
  readonly batch?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly onUnreadable?: (name: string, problem: string) => void;
  /** ms between copies of what is done, from which an index that was stopped goes on. */
  readonly saveEvery?: number;
}

export interface BuiltIndex {
  readonly index: PictureIndex;
  /** Files whose vectors were there already. */
  readonly reused: number;
  readonly unreadable: readonly string[];
}

const BATCH = 16;
const SAVE_MS = 120_000;

/** Of a stopped run, or of the last one: what can be kept. */
function known(file: string, visionId: string): ReadonlyMap<string, IndexedFile> {
  if (!existsSync(file)) return new Map();
  const index = readIndex(file);
  return index.visionId === visionId ? index.vectors : new Map();
}

function stateOf(file: string): {size: number; modified: number} {
  const {size, mtimeMs} = statSync(file);
  return {size, modified: Math.floor(mtimeMs)};
}

/**
 * Embeds the files that the index lacks and writes it, in the order of the names. One that cannot be read is
 * told and left out. Throws InputError where none can.
 */
export async function buildIndex(options: IndexOptions): Promise<BuiltIndex> {
  const {file, folder, names, embedder, read, batch = BATCH, saveEvery = SAVE_MS} = options;
  const {visionId, model} = embedder;
  const part = `${file}.part`;
  const found = new Map([...known(file, visionId), ...known(part, visionId)]);
  const indexOf = (vectors: ReadonlyMap<string, IndexedFile>) => ({
    ...{folder: path.resolve(folder), visionId, model},
    vectors,
  });
  const kept = new Map<string, IndexedFile>();
  const wanted: string[] = [];
  for (const name of names) {
    const before = found.get(name);
    const isSame = before && isUnchanged(path.join(folder, name), before);
    if (isSame) kept.set(name, before);
    else wanted.push(name);
  }
  const reused = kept.size;
  const unreadable: string[] = [];
  const readBatch = (from: number) =>
    Promise.all(
      wanted.slice(from, from + batch).map(async (name) => {
        try {
          const place = path.join(folder, name);
          return {name, item: await read(place), ...stateOf(place)};
        } catch (error) {
          if (!(error instanceof EmuError)) throw error;
          return {name, problem: error.message};
        }
      }),
    );
  let saved = performance.now();
  let next = readBatch(0);
  for (let from = 0; from < wanted.length; from += batch) {
    const ready = await next;
    next = readBatch(from + batch); // while the model computes
    const readable = ready.filter((one) => 'item' in one);
    for (const one of ready)
      if ('problem' in one) {
        unreadable.push(one.name);
        options.onUnreadable?.(one.name, one.problem);
      }
    const vectors =
      readable.length > 0 ? await embedder.embed(readable.map((one) => one.item)) : [];
    for (const [i, {name, size, modified}] of readable.entries())
      kept.set(name, {size, modified, vector: vectors[i]!});
    options.onProgress?.(Math.min(from + batch, wanted.length), wanted.length);
    if (kept.size > 0 && performance.now() - saved > saveEvery) {
      writeIndex(part, indexOf(kept));
      saved = performance.now();
    }
  }
  if (kept.size === 0) throw new InputError(folder, 'holds no picture that can be read');
  const ordered = names.flatMap((name) => {
    const one = kept.get(name);
    return one ? [[name, one] as const] : [];
  });
  const index = indexOf(new Map(ordered));
  writeIndex(file, index);
  rmSync(part, {force: true});
  return {index, reused, unreadable};
}

function isUnchanged(file: string, {size, modified}: IndexedFile): boolean {
  if (!existsSync(file)) return false;
  const now = stateOf(file);
  return now.size === size && now.modified === modified;
}
