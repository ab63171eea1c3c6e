// Bicubic resize as Pillow 9.4 does it for 8-bit pictures (libImaging/Resample.c), bit for bit: the
// filter is widened by the scale when shrinking (antialiased), weights are fixed-point numbers, and
// the horizontal pass is rounded to 8 bits before the vertical one.
import type {Picture} from './picture.js';

// 32 bits less 8 for the pixel and 2 for the overshoot of the filter: sums fit an int32.
const PRECISION_BITS = 32 - 8 - 2;
const HALF = 1 << (PRECISION_BITS - 1);
const SUPPORT = 2; // the bicubic kernel is zero from here on
const CHANNELS = 3;

interface Taps {
  /** First input position of each output position, [outSize]. */
  readonly starts: Int32Array;
  /** Number of input positions of each output position, [outSize]. */
  readonly counts: Int32Array;
  /** Fixed-point weights, [outSize, width]. */
  readonly weights: Int32Array;
  readonly width: number;
}

/** Keys' cubic with a = -0.5, as PIL's BICUBIC (torch and OpenCV use -0.75). */
function bicubic(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < SUPPORT) return (((t - 5) * t + 8) * t - 4) * a;
  return 0;
}

function taps(inSize: number, outSize: number): Taps {
  const scale = inSize / outSize;
  const filterScale = Math.max(scale, 1);
  const support = SUPPORT * filterScale;
  const width = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(outSize);
  const counts = new Int32Array(outSize);
  const weights = new Int32Array(outSize * width);
  const row = new Float64Array(width);
  const inverse = 1 / filterScale;
  for (let out = 0; out < outSize; out++) {
    const center = (out + 0.5) * scale;
    const start = Math.max(Math.trunc(center - support + 0.5), 0);
    const count = Math.min(Math.trunc(center + support + 0.5), inSize) - start;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const weight = bicubic((i + start - center + 0.5) * inverse);
      row[i] = weight;
      sum += weight;
    }
    for (let i = 0; i < count; i++) {
      const weight = (sum === 0 ? row[i]! : row[i]! / sum) * (1 << PRECISION_BITS);
      weights[out * width + i] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    starts[out] = start;
    counts[out] = count;
  }
  return {starts, counts, weights, width};
}

function clip8(sum: number): number {
  return Math.min(Math.max(sum >> PRECISION_BITS, 0), 255);
}

function resizeRows(source: Uint8Array, width: number, height: number, newWidth: number) {
  const {starts, counts, weights, width: stride} = taps(width, newWidth);
  const out = new Uint8Array(height * newWidth * CHANNELS);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const rowStart = y * width * CHANNELS;
    for (let x = 0; x < newWidth; x++) {
      let r = HALF;
      let g = HALF;
      let b = HALF;
      let from = rowStart + starts[x]! * CHANNELS;
      const end = x * stride + counts[x]!;
      for (let k = x * stride; k < end; k++) {
        const weight = weights[k]!;
        r = (r + Math.imul(source[from]!, weight)) | 0;
        g = (g + Math.imul(source[from + 1]!, weight)) | 0;
        b = (b + Math.imul(source[from + 2]!, weight)) | 0;
        from += CHANNELS;
      }
      out[to++] = clip8(r);
      out[to++] = clip8(g);
      out[to++] = clip8(b);
    }
  }
  return out;
}

function resizeColumns(source: Uint8Array, width: number, height: number, newHeight: number) {
  const {starts, counts, weights, width: stride} = taps(height, newHeight);
  const rowLength = width * CHANNELS;
  const out = new Uint8Array(newHeight * rowLength);
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < newHeight; y++) {
    sums.fill(HALF);
    // Row by row, so that memory is read in order.
    for (let k = 0; k < counts[y]!; k++) {
      const weight = weights[y * stride + k]!;
      const from = (starts[y]! + k) * rowLength;
      for (let i = 0; i < rowLength; i++) sums[i] = sums[i]! + Math.imul(source[from + i]!, weight);
    }
    for (let i = 0; i < rowLength; i++) out[y * rowLength + i] = clip8(sums[i]!);
  }
  return out;
}

/** `picture` stretched to width x height, equal to PIL's `Image.resize((width, height), BICUBIC)`. */
export function resizeBicubic(picture: Picture, width: number, height: number): Picture {
  let data = picture.data;
  if (picture.width !== width) data = resizeRows(data, picture.width, picture.height, width);
  if (picture.height !== height) data = resizeColumns(data, width, picture.height, height);
  return {width, height, data};
}
