// The quantized encodings of the GGML family. A block is 32 neighbours of a row as whole numbers q under a
// common scale d, for q4_1 above a minimum m. Little-endian:
//   q8_0  d (f16), 32 signed bytes       x = d q
//   q4_0  d (f16), 16 bytes              x = d (q - 8)
//   q4_1  d (f16), m (f16), 16 bytes     x = d q + m
// The 16 bytes hold two numbers each: element i in the lower half of byte i, i + 16 in the upper.
import {EmuError} from '../errors.js';
import {floatToHalf, halfToFloat} from './halves.js';

export const BLOCK_ELEMENTS = 32;
const HALF_BLOCK = BLOCK_ELEMENTS / 2;

/** Bytes of a block. */
export const blockBytes = {q8_0: 34, q4_0: 18, q4_1: 20} as const;
export type QuantizedEncoding = keyof typeof blockBytes;

export function isQuantized(encoding: string): encoding is QuantizedEncoding {
  return encoding in blockBytes;
}

/** Blocks as floats. */
export function decodeBlocks(bytes: Uint8Array, encoding: QuantizedEncoding): Float32Array {
  const size = blockBytes[encoding];
  const numBlocks = bytes.byteLength / size;
  const out = new Float32Array(numBlocks * BLOCK_ELEMENTS);
  const half = (at: number) => halfToFloat(bytes[at]! | (bytes[at + 1]! << 8));
  for (let block = 0; block < numBlocks; block++) {
    const from = block * size;
    const to = block * BLOCK_ELEMENTS;
    const scale = half(from);
    if (encoding === 'q8_0') {
      // A shift to the upper end and back brings the sign.
      for (let i = 0; i < BLOCK_ELEMENTS; i++) {
        out[to + i] = scale * ((bytes[from + 2 + i]! << 24) >> 24);
      }
    } else {
      const minimum = encoding === 'q4_1' ? half(from + 2) : 0;
      const zero = encoding === 'q4_0' ? 8 : 0;
      const nibbles = from + size - HALF_BLOCK;
      for (let i = 0; i < HALF_BLOCK; i++) {
        const byte = bytes[nibbles + i]!;
        out[to + i] = scale * ((byte & 15) - zero) + minimum;
        out[to + i + HALF_BLOCK] = scale * ((byte >> 4) - zero) + minimum;
      }
    }
  }
  return out;
}

/**
 * Rounds whole blocks as ggml's reference does, bit by bit: in float32, and by the scale before it is itself
 * rounded to f16. Throws EmuError for NaN and infinity, which no block can hold. A scale beyond f16's
 * largest, 65504, becomes infinite, as ggml's.
 */
export function encodeBlocks(values: Float32Array, encoding: QuantizedEncoding): Uint8Array {
  const size = blockBytes[encoding];
  const numBlocks = values.length / BLOCK_ELEMENTS;
  const out = new Uint8Array(numBlocks * size);
  const encodeBlock = {q8_0: encodeQ8, q4_0: encodeQ40, q4_1: encodeQ41}[encoding];
  for (let block = 0; block < numBlocks; block++) {
    const start = block * BLOCK_ELEMENTS;
    checkFinite(values, start, encoding);
    encodeBlock(values, start, out, block * size);
  }
  return out;
}

function checkFinite(values: Float32Array, start: number, encoding: QuantizedEncoding): void {
  for (let i = start; i < start + BLOCK_ELEMENTS; i++) {
    if (Number.isFinite(values[i]!)) continue;
    throw new EmuError(
      `${encoding} stores finite numbers only, and element ${i} is ${values[i]}; keep this tensor in f16`,
      {code: 'bad_weight'},
    );
  }
}

const {fround} = Math;

function setHalf(out: Uint8Array, at: number, value: number): void {
  const half = floatToHalf(value);
  out[at] = half & 255;
  out[at + 1] = half >> 8;
}

/** 1 / scale; infinite for the smallest of scales, whose whole numbers are then 0: arrays make them so. */
function inverse(scale: number): number {
  return scale === 0 ? 0 : fround(1 / scale);
}

function encodeQ8(values: Float32Array, start: number, out: Uint8Array, to: number): void {
  let largest = 0;
  for (let i = 0; i < BLOCK_ELEMENTS; i++) {
    largest = Math.max(largest, Math.abs(values[start + i]!));
  }
  const scale = fround(largest / 127);
  const factor = inverse(scale);
  setHalf(out, to, scale);
  for (let i = 0; i < BLOCK_ELEMENTS; i++) {
    const q = fround(values[start + i]! * factor);
    // Halves go away from zero, as C's roundf has it. Math.round(-0.5 + ...) would not.
    out[to + 2 + i] = Math.sign(q) * Math.round(Math.abs(q));
  }
}

function encodeQ40(values: Float32Array, start: number, out: Uint8Array, to: number): void {
  let extreme = 0; // the first of those with the largest magnitude, with its sign
  for (let i = 0; i < BLOCK_ELEMENTS; i++) {
    if (Math.abs(values[start + i]!) > Math.abs(extreme)) extreme = values[start + i]!;
  }
  const scale = fround(extreme / -8);
  setHalf(out, to, scale);
  setNibbles(values, start, 0, inverse(scale), 8.5, out, to + 2);
}

function encodeQ41(values: Float32Array, start: number, out: Uint8Array, to: number): void {
  let [smallest, largest] = [values[start]!, values[start]!];
  for (let i = 1; i < BLOCK_ELEMENTS; i++) {
    const value = values[start + i]!;
    if (value < smallest) smallest = value;
    if (value > largest) largest = value;
  }
  const scale = fround(fround(largest - smallest) / 15);
  setHalf(out, to, scale);
  setHalf(out, to + 2, smallest);
  setNibbles(values, start, smallest, inverse(scale), 0.5, out, to + 4);
}

/** Whole numbers trunc((x - minimum) · factor + shift), at most 15. */
function setNibbles(
  values: Float32Array,
  start: number,
  minimum: number,
  factor: number,
  shift: number,
  out: Uint8Array,
  to: number,
): void {
  // What is not finite becomes 0 here, as by |.
  const nibble = (x: number) =>
    Math.min(15, fround(fround(fround(x - minimum) * factor) + shift) | 0);
  for (let i = 0; i < HALF_BLOCK; i++) {
    const low = nibble(values[start + i]!);
    out[to + i] = low | (nibble(values[start + i + HALF_BLOCK]!) << 4);
  }
}
