// A tensor where it lies in a file: name, shape, encoding and place, read only when asked for.
import type {MappedFile} from '../kernels/native/mappedFile.js';

/** Bytes of one element of each encoding that a checkpoint can hold. */
export const encodingBytes = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  i64: 8,
  i32: 4,
  i16: 2,
  i8: 1,
  u64: 8,
  u32: 4,
  u16: 2,
  u8: 1,
  bool: 1,
} as const;

export type StoredEncoding = keyof typeof encodingBytes;

/** A named tensor of a checkpoint. Its shape and place were checked against the file on opening. */
export interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly encoding: StoredEncoding;
  /** In elements, one a dimension. */
  readonly strides: readonly number[];
  /**
   * Contiguous row-major bytes, little-endian: a view of the mapped file when the tensor lies so,
   * else a copy.
   */
  read(): Uint8Array;
}

/** Most dimensions a stored tensor may have (PyTorch's own limit). */
export const MAX_DIMENSIONS = 64;

/** Number of elements, or undefined for what is no shape or too large to count exactly. */
export function countElements(shape: readonly unknown[]): number | undefined {
  if (shape.length > MAX_DIMENSIONS) return undefined;
  let count = 1;
  for (const size of shape) {
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/** Strides in elements of a row-major tensor: [2, 3, 4] -> [12, 4, 1]. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= Math.max(1, shape[axis]!);
  }
  return strides;
}

/**
 * A tensor of `file` whose first element is at byte `offset`; the caller has checked the bounds.
 */
export class TensorInFile implements StoredTensor {
  constructor(
    private readonly file: MappedFile,
    readonly name: string,
    readonly encoding: StoredEncoding,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
    readonly offset: number,
  ) {}

  read(): Uint8Array {
    const itemBytes = encodingBytes[this.encoding];
    const count = countElements(this.shape) ?? 0;
    if (count === 0) return new Uint8Array(0);
    if (this.isContiguous()) {
      const bytes = this.file.bytes(this.offset, count * itemBytes);
      // A typed array cannot start inside an element; pages are aligned, so the file offset
      // decides.
      return this.offset % itemBytes === 0 ? bytes : bytes.slice();
    }
    let last = 0; // element index of the last element that belongs to the tensor
    for (const [axis, size] of this.shape.entries()) last += (size - 1) * this.strides[axis]!;
    const source = this.file.bytes(this.offset, (last + 1) * itemBytes);
    return gather(source, this.shape, this.strides, itemBytes, count);
  }

  private isContiguous(): boolean {
    const expected = rowMajorStrides(this.shape);
    return this.shape.every((size, axis) => size === 1 || this.strides[axis] === expected[axis]);
  }
}

/** Copies a strided tensor to row-major order. */
function gather(
  source: Uint8Array,
  shape: readonly number[],
  strides: readonly number[],
  itemBytes: number,
  count: number,
): Uint8Array {
  const out = new Uint8Array(count * itemBytes);
  const inner = shape.at(-1)!;
  const innerStride = strides.at(-1)! * itemBytes;
  const position = new Array<number>(shape.length - 1).fill(0);
  let rowStart = 0; // bytes into source
  for (let target = 0; target < out.length; ) {
    for (let i = 0, from = rowStart; i < inner; i++, from += innerStride) {
      for (let byte = 0; byte < itemBytes; byte++) out[target++] = source[from + byte]!;
    }
    for (let axis = shape.length - 2; axis >= 0; axis--) {
      rowStart += strides[axis]! * itemBytes;
      if (++position[axis]! < shape[axis]!) break;
      rowStart -= position[axis]! * strides[axis]! * itemBytes;
      position[axis] = 0;
    }
  }
  return out;
}
