// Numbers in 16 bits and floats.

let halfTable: Float32Array | undefined;

/** The number whose IEEE half-precision bits are given. */
export function halfToFloat(half: number): number {
  halfTable ??= Float32Array.from({length: 65536}, (_, bits) => valueOfHalf(bits));
  return halfTable[half]!;
}

function valueOfHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The bits of the half nearest to a number, ties to even. */
export function floatToHalf(value: number): number {
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

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** The upper 16 bits of the float32 whose lower ones are 0 nearest to a number, ties to even. */
export function floatToBf16(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  float[0] = value;
  const word = bits[0]!;
  return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
}
