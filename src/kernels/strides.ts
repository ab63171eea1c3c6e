// Walks over several arrays at once: a shape, and for each array a stride per dimension.

export interface Walk {
  readonly shape: readonly number[];
  /** Elements from one index to the next, per array and dimension; 0 repeats. */
  readonly strides: readonly (readonly number[])[];
}

/** Strides in elements of a row-major tensor. */
export function rowMajor(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** Strides of a row-major tensor of `shape` when it is broadcast to `target`. */
export function broadcastStrides(shape: readonly number[], target: readonly number[]): number[] {
  const own = rowMajor(shape);
  const missing = target.length - shape.length;
  return target.map((_, axis) =>
    axis < missing || shape[axis - missing] === 1 ? 0 : own[axis - missing]!,
  );
}

/** The same walk in the fewest dimensions, at least one. */
export function simplify({shape, strides}: Walk): Walk {
  const sizes: number[] = [];
  const merged: number[][] = strides.map(() => []);
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue;
    const last = sizes.length - 1;
    const continues =
      last >= 0 && strides.every((own, array) => merged[array]![last] === size * own[axis]!);
    if (continues) {
      sizes[last]! *= size;
      for (const [array, own] of strides.entries()) merged[array]![last] = own[axis]!;
    } else {
      sizes.push(size);
      for (const [array, own] of strides.entries()) merged[array]!.push(own[axis]!);
    }
  }
  if (sizes.length === 0) return {shape: [1], strides: strides.map(() => [0])};
  return {shape: sizes, strides: merged};
}

/**
 * Visits the rows of a walk, which are its last dimension: `visit` gets where each array is at a row's first
 * element. The list that it gets is the same one each time.
 */
export function forEachRow(
  {shape, strides}: Walk,
  visit: (offsets: readonly number[]) => void,
): void {
  if (shape.includes(0)) return;
  const last = shape.length - 1;
  const index = new Array<number>(Math.max(0, last)).fill(0);
  const offsets = strides.map(() => 0);
  const count = strides.length;
  for (;;) {
    visit(offsets);
    let axis = last - 1;
    for (; axis >= 0; axis--) {
      const wraps = ++index[axis]! === shape[axis]!;
      // No iterator: rows are often short, and this is done for each.
      for (let array = 0; array < count; array++) {
        const stride = strides[array]![axis]!;
        offsets[array]! += wraps ? stride * (1 - shape[axis]!) : stride;
      }
      if (!wraps) break;
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

/** Shape and strides in one array, as the addon takes them. */
export function packWalk(walk: Walk): Int32Array {
  return Int32Array.from([...walk.shape, ...walk.strides.flat()]);
}

export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dim of shape) size *= dim;
  return size;
}
