// Products of all pairs of rows, in float64: A Bᵀ, and the lower half of A Aᵀ.

// K values of each row at a time: eight rows of 256 numbers are 16 KB, half of a first-level cache.
const DEPTH = 256;
// 4x4 products at a time: each number read takes part in four of them.
const TILE = 4;

/**
 * Adds A_i · B_j to `out[i, j]` [M, N] for the rows of A [M, K] and B [N, K]; with `isLower` only where
 * j <= i (and for a few others, to the end of a tile).
 */
export function addRowProducts(
  out: Float64Array,
  a: Float64Array,
  b: Float64Array,
  [M, N, K]: readonly [M: number, N: number, K: number],
  isLower = false,
): void {
  for (let start = 0; start < K; start += DEPTH) {
    const end = Math.min(K, start + DEPTH);
    for (let i = 0; i < M; i += TILE)
      for (let j = 0; j < (isLower ? Math.min(N, i + TILE) : N); j += TILE)
        if (i + TILE <= M && j + TILE <= N) addTile(out, a, b, [i, j, N, K, start, end]);
        else addCorner(out, a, b, [i, j, M, N, K, start, end]);
  }
}

// biome-ignore format: the products read as the tile that they are
function addTile(
  out: Float64Array,
  a: Float64Array,
  b: Float64Array,
  [i, j, N, K, start, end]: readonly [number, number, number, number, number, number],
): void {
  let s00 = 0, s01 = 0, s02 = 0, s03 = 0;
  let s10 = 0, s11 = 0, s12 = 0, s13 = 0;
  let s20 = 0, s21 = 0, s22 = 0, s23 = 0;
  let s30 = 0, s31 = 0, s32 = 0, s33 = 0;
  let p = i * K + start;
  let q = j * K + start;
  for (let k = start; k < end; k++, p++, q++) {
    const a0 = a[p]!, a1 = a[p + K]!, a2 = a[p + 2 * K]!, a3 = a[p + 3 * K]!;
    const b0 = b[q]!, b1 = b[q + K]!, b2 = b[q + 2 * K]!, b3 = b[q + 3 * K]!;
    s00 += a0 * b0; s01 += a0 * b1; s02 += a0 * b2; s03 += a0 * b3;
    s10 += a1 * b0; s11 += a1 * b1; s12 += a1 * b2; s13 += a1 * b3;
    s20 += a2 * b0; s21 += a2 * b1; s22 += a2 * b2; s23 += a2 * b3;
    s30 += a3 * b0; s31 += a3 * b1; s32 += a3 * b2; s33 += a3 * b3;
  }
  const o0 = i * N + j, o1 = o0 + N, o2 = o1 + N, o3 = o2 + N;
  out[o0]! += s00; out[o0 + 1]! += s01; out[o0 + 2]! += s02; out[o0 + 3]! += s03;
  out[o1]! += s10; out[o1 + 1]! += s11; out[o1 + 2]! += s12; out[o1 + 3]! += s13;
  out[o2]! += s20; out[o2 + 1]! += s21; out[o2 + 2]! += s22; out[o2 + 3]! += s23;
  out[o3]! += s30; out[o3 + 1]! += s31; out[o3 + 2]! += s32; out[o3 + 3]! += s33;
}

/** What is left of a tile at the right and lower edges. */
function addCorner(
  out: Float64Array,
  a: Float64Array,
  b: Float64Array,
  [top, left, M, N, K, start, end]: readonly [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ],
): void {
  for (let i = top; i < Math.min(M, top + TILE); i++)
    for (let j = left; j < Math.min(N, left + TILE); j++) {
      let sum = 0;
      for (let k = start; k < end; k++) sum += a[i * K + k]! * b[j * K + k]!;
      out[i * N + j]! += sum;
    }
}

/** Copies the lower half of a square matrix [n, n] to the upper. */
export function mirrorLower(matrix: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) matrix[j * n + i] = matrix[i * n + j]!;
}
