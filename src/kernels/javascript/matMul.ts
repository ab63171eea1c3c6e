// Products of batches of matrices. M rows of a, N columns of b, K what is summed over.
import tf from '#tfjs';
import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {broadcastStrides, forEachRow} from '../strides.js';
import {cpuKernel, floats, makeFloats} from './cpuKernel.js';
import {matrixProduct} from './matrixProduct.js';

interface MatMulAttrs {
  transposeA: boolean;
  transposeB: boolean;
}

/** Rows and columns computed together, so that each number read is used four times. */
const BLOCK = 4;
/** Products of so many multiplications are worth being copied to WebAssembly's memory. */
const MIN_FOR_VECTORS = 4096;

/** [rows, columns] -> [columns, rows], from `offset` on. */
export function transposed(values: Float32Array, offset: number, rows: number, columns: number) {
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0, from = offset + row * columns; column < columns; column++, from++)
      out[column * rows + row] = values[from]!;
  return out;
}

/** out [M, N] = a [M, K] times b [N, K] transposed, each sum in float64; of large ones, of its parts. */
export function multiply(
  a: Float32Array,
  b: Float32Array,
  out: Float32Array,
  numRows: number,
  numColumns: number,
  numTerms: number,
): void {
  if (numRows * numColumns * numTerms >= MIN_FOR_VECTORS) {
    matrixProduct(a, b, out, numRows, numColumns, numTerms);
    return;
  }
  const columns = numColumns - (numColumns % BLOCK);
  let m = 0;
  for (; m + BLOCK <= numRows; m += BLOCK)
    for (let n = 0; n < columns; n += BLOCK) multiplyBlock(a, b, out, m, n, numColumns, numTerms);
  for (let row = m; row < numRows; row++)
    for (let n = 0; n < columns; n += BLOCK) multiplyRow(a, b, out, row, n, numColumns, numTerms);
  for (let row = 0; row < numRows; row++)
    for (let n = columns; n < numColumns; n++) {
      const [i, j] = [row * numTerms, n * numTerms];
      let sum = 0;
      for (let k = 0; k < numTerms; k++) sum += a[i + k]! * b[j + k]!;
      out[row * numColumns + n] = sum;
    }
}

/** One row and four columns from n on. */
function multiplyRow(
  a: Float32Array,
  b: Float32Array,
  out: Float32Array,
  row: number,
  n: number,
  numColumns: number,
  numTerms: number,
): void {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const [from, b0] = [row * numTerms, n * numTerms];
  const [b1, b2, b3] = [b0 + numTerms, b0 + 2 * numTerms, b0 + 3 * numTerms];
  for (let k = 0; k < numTerms; k++) {
    const x = a[from + k]!;
    s0 += x * b[b0 + k]!;
    s1 += x * b[b1 + k]!;
    s2 += x * b[b2 + k]!;
    s3 += x * b[b3 + k]!;
  }
  const o = row * numColumns + n;
  out[o] = s0;
  out[o + 1] = s1;
  out[o + 2] = s2;
  out[o + 3] = s3;
}

/** Four rows and four columns from (m, n) on. */
function multiplyBlock(
  a: Float32Array,
  b: Float32Array,
  out: Float32Array,
  m: number,
  n: number,
  numColumns: number,
  numTerms: number,
): void {
  let [s00, s01, s02, s03, s10, s11, s12, s13] = [0, 0, 0, 0, 0, 0, 0, 0];
  let [s20, s21, s22, s23, s30, s31, s32, s33] = [0, 0, 0, 0, 0, 0, 0, 0];
  const [a0, b0] = [m * numTerms, n * numTerms];
  const [a1, a2, a3] = [a0 + numTerms, a0 + 2 * numTerms, a0 + 3 * numTerms];
  const [b1, b2, b3] = [b0 + numTerms, b0 + 2 * numTerms, b0 + 3 * numTerms];
  for (let k = 0; k < numTerms; k++) {
    const x0 = a[a0 + k]!;
    const x1 = a[a1 + k]!;
    const x2 = a[a2 + k]!;
    const x3 = a[a3 + k]!;
    const y0 = b[b0 + k]!;
    const y1 = b[b1 + k]!;
    const y2 = b[b2 + k]!;
    const y3 = b[b3 + k]!;
    s00 += x0 * y0;
    s01 += x0 * y1;
    s02 += x0 * y2;
    s03 += x0 * y3;
    s10 += x1 * y0;
    s11 += x1 * y1;
    s12 += x1 * y2;
    s13 += x1 * y3;
    s20 += x2 * y0;
    s21 += x2 * y1;
    s22 += x2 * y2;
    s23 += x2 * y3;
    s30 += x3 * y0;
    s31 += x3 * y1;
    s32 += x3 * y2;
    s33 += x3 * y3;
  }
  let o = m * numColumns + n;
  out[o] = s00;
  out[o + 1] = s01;
  out[o + 2] = s02;
  out[o + 3] = s03;
  o += numColumns;
  out[o] = s10;
  out[o + 1] = s11;
  out[o + 2] = s12;
  out[o + 3] = s13;
  o += numColumns;
  out[o] = s20;
  out[o + 1] = s21;
  out[o + 2] = s22;
  out[o + 3] = s23;
  o += numColumns;
  out[o] = s30;
  out[o + 1] = s31;
  out[o + 2] = s32;
  out[o + 3] = s33;
}

export const matMulKernel = (): KernelConfig =>
  cpuKernel<{a: TensorInfo; b: TensorInfo}, MatMulAttrs>('BatchMatMul', (call) => {
    const {
      inputs: {a, b},
      attrs: {transposeA, transposeB},
      backend,
    } = call;
    const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
    const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
    const [numRows, numTerms] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
    const [numColumns, bTerms] = transposeB ? [bRows, bColumns] : [bColumns, bRows];
    if (numTerms !== bTerms)
      throw new Error(`matMul: expected ${numTerms} terms in [${b.shape}], got ${bTerms}`);
    const [aBatch, bBatch] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
    const batch = tf.broadcast_util.assertAndGetBroadcastShape(aBatch, bBatch);
    const out = makeFloats(backend, [...batch, numRows, numColumns]);
    const [aValues, bValues] = [floats(backend, a), floats(backend, b)];
    // A row for each product, whose strides are in matrices.
    const walk = {
      shape: [...batch, 1],
      strides: [aBatch, bBatch].map((own) => [...broadcastStrides(own, batch), 0]),
    };
    const [aSize, bSize, outSize] = [aRows * aColumns, bRows * bColumns, numRows * numColumns];
    let to = 0;
    forEachRow(walk, ([aPlace, bPlace]) => {
      const [aFrom, bFrom] = [aPlace! * aSize, bPlace! * bSize];
      multiply(
        transposeA
          ? transposed(aValues, aFrom, aRows, aColumns)
          : aValues.subarray(aFrom, aFrom + aSize),
        transposeB
          ? bValues.subarray(bFrom, bFrom + bSize)
          : transposed(bValues, bFrom, bRows, bColumns),
        out.values.subarray(to, to + outSize),
        numRows,
        numColumns,
        numTerms,
      );
      to += outSize;
    });
    return out.info;
  });
