// Kernels that move elements without computing: one strided copy each, or one a part.
import tf from '#tfjs';
import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {
  type NativeBackend,
  type NumericType,
  nativeKernel,
  runStockKernel,
} from '../nativeBackend.js';
import {packWalk, rowMajor, simplify, sizeOf} from '../../strides.js';

function isNumeric(x: TensorInfo): boolean {
  return x.dtype === 'float32' || x.dtype === 'int32' || x.dtype === 'bool';
}

interface CopyEnd {
  readonly info: TensorInfo;
  /** In elements. */
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Copies the elements of a walk over `shape` from one tensor to another of the same type. */
function copy(backend: NativeBackend, shape: readonly number[], from: CopyEnd, to: CopyEnd): void {
  if (sizeOf(shape) === 0) return;
  const walk = simplify({shape, strides: [from.strides, to.strides]});
  backend.addon.copyStrided(
    backend.bytes(from.info),
    from.offset,
    backend.bytes(to.info),
    to.offset,
    from.info.dtype === 'bool' ? 1 : 4,
    packWalk(walk),
  );
}

/** A new tensor of x's type. */
function allocateLike(backend: NativeBackend, x: TensorInfo, shape: readonly number[]): TensorInfo {
  return backend.allocate(shape, x.dtype as NumericType);
}

/** The part of `x` of `size` elements from index `begin` on, as a tensor of `shape`. */
function slice(
  backend: NativeBackend,
  x: TensorInfo,
  begin: readonly number[],
  size: readonly number[],
  shape: readonly number[] = size,
): TensorInfo {
  const out = allocateLike(backend, x, shape);
  const strides = rowMajor(x.shape);
  const offset = begin.reduce((sum, index, axis) => sum + index * strides[axis]!, 0);
  copy(backend, size, {info: x, offset, strides}, {info: out, offset: 0, strides: rowMajor(size)});
  return out;
}

const sliceKernel = nativeKernel<
  {x: TensorInfo},
  {begin: number | number[]; size: number | number[]}
>('Slice', (call) => {
  const {inputs, attrs, backend} = call;
  const {x} = inputs;
  if (!isNumeric(x)) return runStockKernel('Slice', call);
  const [begin, size] = tf.slice_util.parseSliceParams(
    x as never,
    attrs.begin as number[],
    attrs.size as number[],
  ) as [number[], number[]];
  tf.slice_util.assertParamsValid(x, begin, size);
  return slice(backend, x, begin, size);
});

const splitKernel = nativeKernel<
  {x: TensorInfo},
  {numOrSizeSplits: number | number[]; axis: number}
>('SplitV', (call) => {
  const {inputs, attrs, backend} = call;
  const {x} = inputs;
  if (!isNumeric(x)) return runStockKernel('SplitV', call);
  const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
  const sizes = tf.backend_util.prepareSplitSize(x as never, attrs.numOrSizeSplits, axis);
  let first = 0;
  return sizes.map((size) => {
    const begin = x.shape.map((_, i) => (i === axis ? first : 0));
    first += size;
    return slice(
      backend,
      x,
      begin,
      x.shape.map((dim, i) => (i === axis ? size : dim)),
    );
  });
});

const unpackKernel = nativeKernel<{value: TensorInfo}, {axis: number}>('Unpack', (call) => {
  const {inputs, attrs, backend} = call;
  const {value} = inputs;
  if (!isNumeric(value)) return runStockKernel('Unpack', call);
  const axis = tf.util.parseAxisParam(attrs.axis, value.shape)[0]!;
  const shape = value.shape.filter((_, i) => i !== axis);
  return Array.from({length: value.shape[axis]!}, (_, index) =>
    slice(
      backend,
      value,
      value.shape.map((_size, i) => (i === axis ? index : 0)),
      value.shape.map((size, i) => (i === axis ? 1 : size)),
      shape,
    ),
  );
});

/** Lays parts one after the other along `axis` of a tensor of `shape`. */
function concat(
  backend: NativeBackend,
  parts: readonly TensorInfo[],
  partShapes: readonly (readonly number[])[],
  axis: number,
  shape: readonly number[],
): TensorInfo {
  const out = allocateLike(backend, parts[0]!, shape);
  // A part may have one more dimension than its tensor (stack): sizes and strides come from partShapes.
  const outerShape = [...partShapes[0]!];
  outerShape[axis] = partShapes.reduce((sum, part) => sum + part[axis]!, 0);
  const strides = rowMajor(outerShape);
  let first = 0;
  for (const [index, info] of parts.entries()) {
    const part = partShapes[index]!;
    const offset = first * strides[axis]!;
    copy(backend, part, {info, offset: 0, strides: rowMajor(part)}, {info: out, offset, strides});
    first += part[axis]!;
  }
  return out;
}

const concatKernel = nativeKernel<TensorInfo[], {axis: number}>('Concat', (call) => {
  const {attrs, backend} = call;
  const inputs = Object.values(call.inputs);
  const [head] = inputs;
  if (!head || inputs.some((part) => !isNumeric(part) || part.dtype !== head.dtype)) {
    return runStockKernel('Concat', call);
  }
  const axis = tf.util.parseAxisParam(attrs.axis, head.shape)[0]!;
  const shapes = inputs.map((part) => part.shape);
  tf.backend_util.assertParamsConsistent(shapes, axis);
  return concat(backend, inputs, shapes, axis, tf.backend_util.computeOutShape(shapes, axis));
});

const packKernel = nativeKernel<TensorInfo[], {axis: number}>('Pack', (call) => {
  const {attrs, backend} = call;
  const inputs = Object.values(call.inputs);
  const [head] = inputs;
  if (!head || inputs.some((part) => !isNumeric(part) || part.dtype !== head.dtype)) {
    return runStockKernel('Pack', call);
  }
  for (const part of inputs) {
    tf.util.assertShapesMatch(head.shape, part.shape, 'stack: all tensors must have one shape: ');
  }
  const axis = attrs.axis < 0 ? attrs.axis + head.shape.length + 1 : attrs.axis;
  const partShape = [...head.shape.slice(0, axis), 1, ...head.shape.slice(axis)];
  const shape = [...head.shape.slice(0, axis), inputs.length, ...head.shape.slice(axis)];
  return concat(
    backend,
    inputs,
    inputs.map(() => partShape),
    axis,
    shape,
  );
});

const transposeKernel = nativeKernel<{x: TensorInfo}, {perm: number[]}>('Transpose', (call) => {
  const {inputs, attrs, backend} = call;
  const {x} = inputs;
  if (!isNumeric(x)) return runStockKernel('Transpose', call);
  const shape = attrs.perm.map((axis) => x.shape[axis]!);
  const strides = rowMajor(x.shape);
  const out = allocateLike(backend, x, shape);
  copy(
    backend,
    shape,
    {info: x, offset: 0, strides: attrs.perm.map((axis) => strides[axis]!)},
    {info: out, offset: 0, strides: rowMajor(shape)},
  );
  return out;
});

const tileKernel = nativeKernel<{x: TensorInfo}, {reps: number[]}>('Tile', (call) => {
  const {inputs, attrs, backend} = call;
  const {x} = inputs;
  if (!isNumeric(x)) return runStockKernel('Tile', call);
  const shape = x.shape.map((size, axis) => size * attrs.reps[axis]!);
  const out = allocateLike(backend, x, shape);
  // Each dimension becomes two: which repetition, and where inside it.
  const own = rowMajor(x.shape);
  const target = rowMajor(shape);
  copy(
    backend,
    x.shape.flatMap((size, axis) => [attrs.reps[axis]!, size]),
    {info: x, offset: 0, strides: own.flatMap((stride) => [0, stride])},
    {
      info: out,
      offset: 0,
      strides: target.flatMap((stride, axis) => [stride * x.shape[axis]!, stride]),
    },
  );
  return out;
});

const padKernel = nativeKernel<
  {x: TensorInfo},
  {paddings: [number, number][]; constantValue: number}
>('PadV2', (call) => {
  const {inputs, attrs, backend} = call;
  const {x} = inputs;
  if (!isNumeric(x)) return runStockKernel('PadV2', call);
  const shape = x.shape.map((size, axis) => {
    const [before, after] = attrs.paddings[axis]!;
    return before + size + after;
  });
  const out = allocateLike(backend, x, shape);
  backend.numbers(out).fill(attrs.constantValue);
  const strides = rowMajor(shape);
  const offset = attrs.paddings.reduce((sum, [before], axis) => sum + before * strides[axis]!, 0);
  const from = {info: x, offset: 0, strides: rowMajor(x.shape)};
  copy(backend, x.shape, from, {info: out, offset, strides});
  return out;
});

export const layoutKernels: KernelConfig[] = [
  sliceKernel,
  splitKernel,
  unpackKernel,
  concatKernel,
  packKernel,
  transposeKernel,
  tileKernel,
  padKernel,
];
