import type tf from '#tfjs';

/** An argument of an op whose shape or dtype does not fit. */
export class ShapeError extends Error {
  constructor(
    readonly op: string,
    readonly argument: string,
    readonly expected: string,
    readonly actual: string,
  ) {
    super(`${op}: expected ${argument} of ${expected}, got ${actual}`);
    this.name = 'ShapeError';
  }
}

const format = (shape: readonly (number | string)[]) => `[${shape.join(', ')}]`;

/** Throws unless `shape` equals `expected`, where a string names a dimension of any size. */
export function checkShape(
  op: string,
  argument: string,
  shape: readonly number[],
  expected: readonly (number | string)[],
): void {
  const fits =
    shape.length === expected.length &&
    shape.every((size, i) => typeof expected[i] === 'string' || expected[i] === size);
  if (!fits) throw new ShapeError(op, argument, `shape ${format(expected)}`, format(shape));
}

/** Throws unless `tensor` has the dtype. */
export function checkDtype(op: string, argument: string, tensor: tf.Tensor, dtype: tf.DataType) {
  if (tensor.dtype !== dtype) throw new ShapeError(op, argument, `dtype ${dtype}`, tensor.dtype);
}

/** The size of the last dimension of `tensor`; a scalar has none and is refused. */
export function lastDim(op: string, argument: string, tensor: tf.Tensor): number {
  const size = tensor.shape.at(-1);
  if (size === undefined) throw new ShapeError(op, argument, 'at least one dimension', 'a scalar');
  return size;
}
