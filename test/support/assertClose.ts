import type tf from '#tfjs';
import * as assert from 'uvu/assert';

export interface NumberArray {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

export interface Tolerance {
  readonly atol: number;
  readonly rtol?: number;
}

/**
 * |actual - expected| <= atol + rtol · |expected| everywhere, else fails with max|d| and with the
 * element that exceeds its tolerance most. Returns max|d|.
 */
export function assertClose(
  actual: NumberArray | tf.Tensor,
  expected: NumberArray | tf.Tensor,
  {atol, rtol = 0}: Tolerance,
  what = 'values',
): number {
  const found = toArray(actual);
  const wanted = toArray(expected);
  assert.equal([...found.shape], [...wanted.shape], `${what}: shape`);
  assert.is(found.data.length, wanted.data.length, `${what}: number of elements`);
  let largest = 0;
  let worst = 0;
  let worstIndex = -1;
  for (let i = 0; i < wanted.data.length; i++) {
    const a = found.data[i]!;
    const b = wanted.data[i]!;
    if (a === b) continue;
    const difference = Math.abs(a - b);
    const excess = difference - (atol + rtol * Math.abs(b));
    // Written so that NaN, which no comparison holds for, fails.
    if (!(difference <= largest)) largest = difference;
    if (!(excess <= worst)) {
      worst = excess;
      worstIndex = i;
    }
    if (Number.isNaN(difference)) break;
  }
  if (worstIndex >= 0) {
    const where = indexOf(worstIndex, wanted.shape).join(', ');
    assert.unreachable(
      `${what}: max|d| = ${largest.toExponential(2)}; beyond the tolerance at [${where}]: ` +
        `got ${found.data[worstIndex]}, expected ${wanted.data[worstIndex]} ` +
        `(atol ${atol}, rtol ${rtol}, shape [${wanted.shape.join(', ')}])`,
    );
  }
  return largest;
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
