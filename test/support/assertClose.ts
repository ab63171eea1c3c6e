import type * as tf from '@tensorflow/tfjs';
import * as assert from 'uvu/assert';

export interface NumberArray {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

export interface Tolerance {
  readonly atol: number;
  readonly rtol?: number;
}

/** |actual - expected| <= atol + rtol · |expected| everywhere, else fails with max|d| and where. */
export function assertClose(
  actual: NumberArray | tf.Tensor,
  expected: NumberArray | tf.Tensor,
  {atol, rtol = 0}: Tolerance,
  what = 'values',
): void {
  const found = toArray(actual);
  const wanted = toArray(expected);
  assert.equal([...found.shape], [...wanted.shape], `${what}: shape`);
  assert.is(found.data.length, wanted.data.length, `${what}: number of elements`);
  let worst = 0;
  let worstIndex = -1;
  let isClose = true;
  for (let i = 0; i < wanted.data.length; i++) {
    const a = found.data[i]!;
    const b = wanted.data[i]!;
    const difference = Object.is(a, b) || a === b ? 0 : Math.abs(a - b);
    // The comparison is written so that NaN fails.
    if (!(difference <= atol + rtol * Math.abs(b))) isClose = false;
    if (!(difference <= worst)) {
      worst = difference;
      worstIndex = i;
    }
    if (Number.isNaN(difference)) break;
  }
  if (isClose) return;
  const where = indexOf(worstIndex, wanted.shape).join(', ');
  assert.unreachable(
    `${what}: max|d| = ${worst.toExponential(2)} at [${where}]: ` +
      `got ${found.data[worstIndex]}, expected ${wanted.data[worstIndex]} ` +
      `(atol ${atol}, rtol ${rtol}, shape [${wanted.shape.join(', ')}])`,
  );
}

function toArray(value: NumberArray | tf.Tensor): NumberArray {
  return 'dataSync' in value ? {shape: value.shape, data: value.dataSync()} : value;
}

/** A flat position as one index per dimension. */
function indexOf(position: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = position;
  for (const size of [...shape].reverse()) {
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return index;
}
