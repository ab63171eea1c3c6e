// Whether a model fits, said before it is loaded. The one rule of all commands: the native backend computes with
// weights where they lie in the mapped file, whose pages the system gives back when it must, so that they count
// for nothing (a file larger than the memory is slow, not refused); tensorflow holds every weight in its encoding,
// reference as float32. What a backend holds, and the cache of keys and values, must fit. What a GPU can hold of
// it is placement.ts's.
import {readFileSync} from 'node:fs';
import {freemem} from 'node:os';
import {EmuError} from '../errors.js';
import {gigabytes} from '../gigabytes.js';
import type {BackendName} from '../kernels/backend.js';
import {encodedBytes} from '../kernels/encoding.js';
import {type Encoding, encodingCodes} from '../kernels/native/addon.js';
import type {EmuConfig} from './config.js';
import {countElements, encodingBytes, rowMajorStrides, type StoredTensor} from './storedTensor.js';

const CAPTION_BEAMS = 5;
/** New tokens of a caption, and those of the official prompt beside the picture's. */
const CAPTION_TOKENS = 512 + 64;

/** Bytes that this process may still take without swapping. */
export function availableMemory(): number {
  return Math.min(systemMemory(), containerMemory());
}

/** What the system can give: os.freemem() leaves out what the page cache would give back. */
function systemMemory(): number {
  try {
    const line = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
    if (line) return Number(line[1]) * 1024;
  } catch {
    // No /proc on this system.
  }
  return freemem();
}

/** What the limit of a container leaves; Infinity without one. */
function containerMemory(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  return limit > 0 ? limit - process.memoryUsage.rss() : Number.POSITIVE_INFINITY;
}

/** Throws EmuError (memory) when `bytes` are more than there is; `of`: which memory. */
export function checkMemory(
  file: string,
  bytes: number,
  wayOut: string,
  available: number = availableMemory(),
  of = 'memory',
): void {
  if (bytes <= available) return;
  throw new EmuError(
    `${file}: needs ${gigabytes(bytes)} of ${of}, ${gigabytes(Math.max(0, available))} are free; ${wayOut}`,
    {code: 'out_of_memory', reason: 'memory', file},
  );
}

/** Bytes of weights: those read in the mapped file, those that the process holds. */
export interface WeightMemory {
  readonly mapped: number;
  readonly held: number;
}

/** What the tensors take on a backend. */
export function weightMemory(tensors: Iterable<StoredTensor>, backend: BackendName): WeightMemory {
  let mapped = 0;
  let held = 0;
  for (const tensor of tensors) {
    const count = countElements(tensor.shape)!;
    if (backend === 'native' && isReadInPlace(tensor))
      mapped += count * encodingBytes[tensor.encoding];
    else if (backend === 'tensorflow') held += heldBytes(tensor.encoding, tensor.shape);
    else held += 4 * count;
  }
  return {mapped, held};
}

/** Bytes of a tensor that is held in its encoding, or as float32 where no weight has that. */
export function heldBytes(encoding: StoredTensor['encoding'] | Encoding, shape: readonly number[]) {
  return isWeightEncoding(encoding) ? encodedBytes(encoding, shape) : 4 * countElements(shape)!;
}

const isWeightEncoding = (encoding: string): encoding is Encoding => encoding in encodingCodes;

/** Other numbers are made float32, and what does not lie in rows is copied. */
function isReadInPlace({encoding, shape, strides}: StoredTensor): boolean {
  if (!isWeightEncoding(encoding)) return false;
  const rows = rowMajorStrides(shape);
  return shape.every((size, axis) => size === 1 || strides[axis] === rows[axis]);
}

/** Bytes of keys and values (float32) of one position of one sequence. */
export function cacheBytes({layers, hiddenSize}: EmuConfig['llama']): number {
  return 2 * 4 * layers * hiddenSize;
}

/** A caption as it is searched by default: what is planned for when nobody has asked yet. */
export function captionSearch({causalFormer, llama}: Pick<EmuConfig, 'causalFormer' | 'llama'>): {
  beams: number;
  tokens: number;
} {
  const tokens = Math.min(llama.contextLength, causalFormer.numTokens + CAPTION_TOKENS);
  return {beams: CAPTION_BEAMS, tokens};
}

/** Throws EmuError (memory) when the keys and values of so many sequences do not fit in memory. */
export function checkCacheFits(
  file: string,
  llama: EmuConfig['llama'],
  rows: number,
  positions: number,
  available?: number,
): void {
  const bytes = rows * positions * cacheBytes(llama);
  const wayOut = `that is the cache of ${rows} answers of up to ${positions} tokens; use fewer --beams or --max-tokens`;
  checkMemory(file, bytes, wayOut, available);
}
