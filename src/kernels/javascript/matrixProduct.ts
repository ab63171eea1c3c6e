// A matrix product four numbers at a time, by WebAssembly's vectors: its memory gets both matrices, whole
// tiles of them, and gives sums. M rows of a, N columns of b, K what is summed over.
import {
  type Code,
  doWhile,
  f32x4,
  f64,
  get,
  i32,
  instantiate,
  moduleOf,
  set,
  types,
  type WasmModule,
} from './wasm.js';

/** Rows and columns of a tile, whose sums stay in registers. */
const TILE_ROWS = 4;
const TILE_COLUMNS = 2;
/** Terms of one turn of the inner loop: two vectors. */
const STEP = 8;
/** Terms that are added in float32, a quarter of them in each lane; what they give is added in float64. */
const FLOAT32_TERMS = 128;
/** Numbers of b that are held at once, so that they stay in the cache while the rows of a go by; and of a. */
const B_NUMBERS = 2 ** 17;
const A_NUMBERS = 2 ** 21;
const PAGE = 2 ** 16;

/** out [M, N] float64 += a [M, K] times b [N, K] transposed: addresses, then whole tiles and steps of sizes. */
function kernel(): Uint8Array<ArrayBuffer> {
  const [a, b, out, numRows, numColumns, numTerms] = [0, 1, 2, 3, 4, 5];
  const [row, column, k, stop, bRow, rowBytes, outRow, place] = [6, 7, 8, 9, 10, 11, 12, 13];
  const aRows = [14, 15, 16, 17];
  const bNext = 18;
  const sums = Array.from({length: TILE_ROWS * TILE_COLUMNS}, (_, i) => 19 + i);
  const bValues = [19 + sums.length, 20 + sums.length];
  const aValue = 21 + sums.length;
  const add = (local: number, bytes: Code | number): Code =>
    set(local, i32.add(get(local), typeof bytes === 'number' ? i32.of(bytes) : bytes));

  const step = (offset: number): Code => [
    ...set(bValues[0]!, f32x4.load(i32.add(get(bRow), get(k)), offset)),
    ...set(bValues[1]!, f32x4.load(i32.add(get(bNext), get(k)), offset)),
    ...aRows.flatMap((aRow, r) => [
      ...set(aValue, f32x4.load(i32.add(get(aRow), get(k)), offset)),
      ...bValues.flatMap((value, c) => {
        const sum = sums[r * TILE_COLUMNS + c]!;
        return set(sum, f32x4.add(get(sum), f32x4.mul(get(aValue), get(value))));
      }),
    ]),
  ];
  const total = (sum: number): Code =>
    [1, 2, 3].reduce<Code>(
      (code, lane) => f64.add(code, f32x4.lane(get(sum), lane)),
      f32x4.lane(get(sum), 0),
    );
  const addTile = [
    ...set(place, get(outRow)),
    ...aRows.flatMap((_, r) => [
      ...bValues.flatMap((_, c) => {
        const address = i32.add(get(place), i32.of(8 * c));
        return f64.store(address, f64.add(f64.load(address), total(sums[r * TILE_COLUMNS + c]!)));
      }),
      ...add(place, i32.mul(get(numColumns), i32.of(8))),
    ]),
  ];
  const tile = [
    ...set(bNext, i32.add(get(bRow), get(rowBytes))),
    ...set(k, i32.of(0)),
    ...doWhile(
      [
        ...set(stop, i32.min(i32.add(get(k), i32.of(4 * FLOAT32_TERMS)), get(rowBytes))),
        ...sums.flatMap((sum) => set(sum, f32x4.zero())),
        ...doWhile([...step(0), ...step(16), ...add(k, 4 * STEP)], i32.less(get(k), get(stop))),
        ...addTile,
      ],
      i32.less(get(k), get(rowBytes)),
    ),
  ];
  const body = [
    ...set(rowBytes, i32.mul(get(numTerms), i32.of(4))),
    ...doWhile(
      [
        ...aRows.flatMap((aRow, r) =>
          set(aRow, r === 0 ? get(a) : i32.add(get(aRows[r - 1]!), get(rowBytes))),
        ),
        ...set(bRow, get(b)),
        ...set(outRow, get(out)),
        ...set(column, i32.of(0)),
        ...doWhile(
          [
            ...tile,
            ...set(bRow, i32.add(get(bNext), get(rowBytes))),
            ...add(outRow, 8 * TILE_COLUMNS),
            ...add(column, TILE_COLUMNS),
          ],
          i32.less(get(column), get(numColumns)),
        ),
        ...add(a, i32.mul(get(rowBytes), i32.of(TILE_ROWS))),
        ...add(out, i32.mul(get(numColumns), i32.of(8 * TILE_ROWS))),
        ...add(row, TILE_ROWS),
      ],
      i32.less(get(row), get(numRows)),
    ),
  ];
  const integers = 13; // from `row` to `bNext`
  const vectors = sums.length + bValues.length + 1;
  return moduleOf(
    Array<number>(6).fill(types.i32),
    [...Array<number>(integers).fill(types.i32), ...Array<number>(vectors).fill(types.v128)],
    body,
  );
}

/** Of addresses in `memory`, and sizes: a, b, out, M, N, K. */
let loaded: WasmModule | undefined;

const whole = (size: number, tile: number) => Math.ceil(size / tile) * tile;

/** Rows of `size` numbers each, `stride` apart in `to`; what lies between is zero. */
function copyRows(
  to: Float32Array,
  from: Float32Array,
  numRows: number,
  size: number,
  stride: number,
): void {
  if (size === stride) {
    to.set(from);
    return;
  }
  for (let row = 0; row < numRows; row++) {
    to.set(from.subarray(row * size, (row + 1) * size), row * stride);
    to.fill(0, row * stride + size, (row + 1) * stride);
  }
}

/**
 * out [M, N] = a [M, K] times b [N, K] transposed. Each sum is of parts of 128 terms, which are added in
 * float32, and the parts in float64.
 */
export function matrixProduct(
  a: Float32Array,
  b: Float32Array,
  out: Float32Array,
  numRows: number,
  numColumns: number,
  numTerms: number,
): void {
  loaded ??= instantiate(kernel());
  const {memory, run} = loaded;
  const terms = whole(numTerms, STEP);
  const mostRows = Math.max(TILE_ROWS, whole(Math.floor(A_NUMBERS / terms), TILE_ROWS));
  const mostColumns = Math.max(TILE_COLUMNS, whole(Math.floor(B_NUMBERS / terms), TILE_COLUMNS));
  const heldRows = Math.min(mostRows, whole(numRows, TILE_ROWS));
  const heldColumns = Math.min(mostColumns, whole(numColumns, TILE_COLUMNS));
  const bAt = 8 * heldRows * heldColumns; // after the sums, which are float64
  const aAt = bAt + 4 * heldColumns * terms;
  const bytes = aAt + 4 * heldRows * terms;
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE));

  for (let m = 0; m < numRows; m += heldRows) {
    const rows = Math.min(heldRows, numRows - m);
    const aHeld = new Float32Array(memory.buffer, aAt, heldRows * terms);
    copyRows(aHeld, a.subarray(m * numTerms, (m + rows) * numTerms), rows, numTerms, terms);
    for (let n = 0; n < numColumns; n += heldColumns) {
      const columns = Math.min(heldColumns, numColumns - n);
      const width = whole(columns, TILE_COLUMNS);
      const bHeld = new Float32Array(memory.buffer, bAt, heldColumns * terms);
      const from = b.subarray(n * numTerms, (n + columns) * numTerms);
      copyRows(bHeld, from, columns, numTerms, terms);
      const sums = new Float64Array(memory.buffer, 0, whole(rows, TILE_ROWS) * width);
      sums.fill(0);
      run(aAt, bAt, 0, whole(rows, TILE_ROWS), width, terms);
      if (columns === numColumns && width === columns) {
        out.set(sums.subarray(0, rows * columns), m * numColumns);
        continue;
      }
      for (let row = 0; row < rows; row++)
        out.set(sums.subarray(row * width, row * width + columns), (m + row) * numColumns + n);
    }
  }
}
