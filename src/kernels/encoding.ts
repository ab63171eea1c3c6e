// Numbers as checkpoints store them. Little-endian, as every machine emu runs on.
import {type Encoding, encodingBytes} from './native/addon.js';

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

let halfTable: Float32Array | undefined;

/** Stored bytes as floats, always a copy. */
export function decode(bytes: Uint8Array, encoding: Encoding): Float32Array {
  const count = Math.floor(bytes.byteLength / encodingBytes[encoding]);
  // A copy starts at offset 0, which views of wider elements need.
  const buffer = bytes.slice().buffer;
  if (encoding === 'f32') return new Float32Array(buffer, 0, count);
  const halves = new Uint16Array(buffer, 0, count);
  const out = new Float32Array(count);
  if (encoding === 'bf16') {
    const words = new Uint32Array(out.buffer);
    for (let i = 0; i < count; i++) words[i] = halves[i]! << 16;
    return out;
  }
  halfTable ??= Float32Array.from({length: 65536}, (_, half) => halfToFloat(half));
  for (let i = 0; i < count; i++) out[i] = halfTable[halves[i]!]!;
  return out;
}

/** Rounds to the nearest number of the encoding, ties to even. */
export function encode(values: Float32Array, encoding: Encoding): Uint8Array {
  if (encoding === 'f32') return new Uint8Array(values.slice().buffer);
  const halves = new Uint16Array(values.length);
  const round = encoding === 'f16' ? floatToHalf : floatToBf16;
  for (let i = 0; i < values.length; i++) halves[i] = round(values[i]!);
  return new Uint8Array(halves.buffer);
}

function floatToBf16(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  float[0] = value;
  const word = bits[0]!;
  return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
}

function floatToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00; // half way to the first number beyond the largest
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude)));
  // In units of the last place; a carry out of the fraction lands in the exponent, as it should.
  const units = roundTiesToEven(magnitude * 2 ** (10 - exponent));
  return sign | (exponent === -14 && units < 1024 ? units : ((exponent + 14) << 10) + units);
}

function roundTiesToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
