// Numbers as checkpoints store them. Little-endian, as every machine emu runs on.
import {EmuError} from '../errors.js';
import {BLOCK_ELEMENTS, blockBytes, decodeBlocks, encodeBlocks, isQuantized} from './blocks.js';
import {floatToBf16, floatToHalf, halfToFloat} from './halves.js';
import type {Encoding} from './native/addon.js';

/**
 * Bytes of a tensor. Throws EmuError where a row, the last dimension, is no whole number of an encoding's
 * blocks.
 */
export function encodedBytes(encoding: Encoding, shape: readonly number[]): number {
  const count = shape.reduce((product, size) => product * size, 1);
  if (!isQuantized(encoding)) return count * (encoding === 'f32' ? 4 : 2);
  if (!hasWholeBlocks(encoding, shape)) {
    throw new EmuError(
      `${encoding} stores rows of a multiple of ${BLOCK_ELEMENTS} numbers, and the shape is [${shape.join(', ')}]; keep this tensor in f16`,
      {code: 'bad_weight'},
    );
  }
  return (count / BLOCK_ELEMENTS) * blockBytes[encoding];
}

/** Whether a tensor of this shape can be stored so. */
export function hasWholeBlocks(encoding: Encoding, shape: readonly number[]): boolean {
  return !isQuantized(encoding) || (shape.at(-1) ?? 1) % BLOCK_ELEMENTS === 0;
}

/** Stored bytes as floats, always a copy. */
export function decode(bytes: Uint8Array, encoding: Encoding): Float32Array {
  if (isQuantized(encoding)) return decodeBlocks(bytes, encoding);
  // A copy starts at offset 0, which views of wider elements need.
  const buffer = bytes.slice().buffer;
  if (encoding === 'f32') return new Float32Array(buffer, 0, Math.floor(bytes.byteLength / 4));
  const count = Math.floor(bytes.byteLength / 2);
  const halves = new Uint16Array(buffer, 0, count);
  const out = new Float32Array(count);
  if (encoding === 'bf16') {
    const words = new Uint32Array(out.buffer);
    for (let i = 0; i < count; i++) words[i] = halves[i]! << 16;
    return out;
  }
  for (let i = 0; i < count; i++) out[i] = halfToFloat(halves[i]!);
  return out;
}

/**
 * Rounds to the nearest number of the encoding, ties to even; in the quantized ones as ggml does, see
 * encodeBlocks. Throws EmuError where these are not given whole blocks.
 */
export function encode(values: Float32Array, encoding: Encoding): Uint8Array {
  if (isQuantized(encoding)) {
    encodedBytes(encoding, [values.length]);
    return encodeBlocks(values, encoding);
  }
  if (encoding === 'f32') return new Uint8Array(values.slice().buffer);
  const halves = new Uint16Array(values.length);
  const round = encoding === 'f16' ? floatToHalf : floatToBf16;
  for (let i = 0; i < values.length; i++) halves[i] = round(values[i]!);
  return new Uint8Array(halves.buffer);
}
