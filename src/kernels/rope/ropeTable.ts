export interface RopeTable {
  readonly cos: Float32Array; // [positions, D/2]
  readonly sin: Float32Array; // [positions, D/2]
  readonly numPositions: number;
}

const tables = new Map<string, RopeTable>();

/**
 * cos and sin of position · base^(-2i/D) for positions 0 .. at least numPositions - 1. Every step
 * is rounded to float32 where torch rounds (exponent, power, reciprocal, angle), so that both agree
 * to the last bits at far positions too. Kept per (D, base), doubled when a longer one is needed.
 */
export function ropeTable(headDim: number, base: number, numPositions: number): RopeTable {
  const key = `${headDim} ${base}`;
  const known = tables.get(key);
  if (known && known.numPositions >= numPositions) return known;
  const length = 2 ** Math.ceil(Math.log2(Math.max(numPositions, 64)));
  const half = headDim / 2;
  const cos = new Float32Array(length * half);
  const sin = new Float32Array(length * half);
  for (let i = 0; i < half; i++) {
    const inverseFrequency = Math.fround(1 / Math.fround(base ** Math.fround((2 * i) / headDim)));
    for (let position = 0; position < length; position++) {
      const angle = Math.fround(position * inverseFrequency);
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  const table = {cos, sin, numPositions: length};
  tables.set(key, table);
  return table;
}

/** The table that covers every one of `positions`. Throws RangeError on a negative one. */
export function ropeTableFor(positions: Int32Array, headDim: number, base: number): RopeTable {
  let last = 0;
  for (const position of positions) {
    if (position < 0) throw new RangeError(`rope: expected positions >= 0, got ${position}`);
    if (position > last) last = position;
  }
  return ropeTable(headDim, base, last + 1);
}
