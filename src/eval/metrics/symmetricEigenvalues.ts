// Eigenvalues of a symmetric matrix in float64: Householder reflections make it tridiagonal, the implicit
// QL iteration makes that diagonal (Golub and Van Loan, "Matrix Computations", 8.3). Eigenvectors are not
// formed: they would take most of the time.
import {MetricError} from './metricError.js';

interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** `below[i]` stands between i and i + 1; the last is 0. */
  readonly below: Float64Array;
}

/**
 * Reflects rows from the last to the third, so that each keeps one number left of its diagonal. Only the
 * lower half of `a` [n, n] is read, and it is overwritten.
 */
function tridiagonalize(a: Float64Array, n: number): Tridiagonal {
  const diagonal = new Float64Array(n);
  const below = new Float64Array(n);
  const v = new Float64Array(n); // the reflection is 1 - v vᵀ / h
  const p = new Float64Array(n);
  for (let i = n - 1; i > 0; i--) {
    const row = i * n;
    diagonal[i] = a[row + i]!;
    let scale = 0; // keeps the squares within range
    for (let k = 0; k < i; k++) scale = Math.max(scale, Math.abs(a[row + k]!));
    if (i === 1 || scale === 0) {
      below[i - 1] = a[row + i - 1]!;
      continue;
    }
    let square = 0;
    for (let k = 0; k < i; k++) {
      v[k] = a[row + k]! / scale;
      square += v[k]! ** 2;
    }
    const last = v[i - 1]!;
    const length = last >= 0 ? -Math.sqrt(square) : Math.sqrt(square); // the sign that cancels nothing
    below[i - 1] = scale * length;
    const h = square - last * length;
    v[i - 1] = last - length;
    multiplyLower(a, n, i, v, p);
    let overlap = 0;
    for (let k = 0; k < i; k++) {
      p[k]! /= h;
      overlap += p[k]! * v[k]!;
    }
    const share = overlap / (2 * h);
    for (let k = 0; k < i; k++) p[k]! -= share * v[k]!;
    for (let j = 0; j < i; j++) {
      const vj = v[j]!;
      const pj = p[j]!;
      for (let k = 0, at = j * n; k <= j; k++, at++) a[at]! -= vj * p[k]! + pj * v[k]!;
    }
  }
  diagonal[0] = a[0]!;
  return {diagonal, below};
}

/** p = A v for the leading `size` rows of a symmetric matrix whose lower half is given. */
function multiplyLower(
  a: Float64Array,
  n: number,
  size: number,
  v: Float64Array,
  p: Float64Array,
): void {
  for (let j = 0; j < size; j++) {
    const vj = v[j]!;
    let sum = 0;
    let at = j * n;
    for (let k = 0; k < j; k++, at++) {
      const value = a[at]!;
      sum += value * v[k]!;
      p[k]! += value * vj;
    }
    p[j] = sum + a[at]! * vj;
  }
}

const MAX_SWEEPS = 60; // two are usual

/** Iterates until every number below the diagonal is lost in rounding. */
function diagonalize({diagonal: d, below: e}: Tridiagonal): void {
  const n = d.length;
  const isSmall = (i: number) =>
    Math.abs(e[i]!) <= Number.EPSILON * (Math.abs(d[i]!) + Math.abs(d[i + 1]!));
  for (let first = 0; first < n; first++) {
    for (let sweep = 0; ; sweep++) {
      let last = first;
      while (last < n - 1 && !isSmall(last)) last++;
      if (last === first) break;
      if (sweep === MAX_SWEEPS)
        throw new MetricError('eigenvalues', 'the iteration does not end; are all numbers finite?');
      sweepUp(d, e, first, last);
    }
  }
}

/** One QL step on the block from `first` to `last`, with Wilkinson's shift. */
function sweepUp(d: Float64Array, e: Float64Array, first: number, last: number): void {
  const gap = (d[first + 1]! - d[first]!) / (2 * e[first]!);
  const root = Math.hypot(gap, 1);
  let bulge = d[last]! - d[first]! + e[first]! / (gap + (gap >= 0 ? root : -root));
  let sine = 1;
  let cosine = 1;
  let shift = 0;
  for (let i = last - 1; i >= first; i--) {
    const f = sine * e[i]!;
    const b = cosine * e[i]!;
    const r = Math.sqrt(f * f + bulge * bulge);
    e[i + 1] = r;
    if (r === 0) {
      // The block falls apart here: the parts are taken up in turn.
      d[i + 1]! -= shift;
      e[last] = 0;
      return;
    }
    sine = f / r;
    cosine = bulge / r;
    const next = d[i + 1]! - shift;
    const t = (d[i]! - next) * sine + 2 * cosine * b;
    shift = sine * t;
    d[i + 1] = next + shift;
    bulge = cosine * t - b;
  }
  d[first]! -= shift;
  e[first] = bulge;
  e[last] = 0;
}

/** The eigenvalues, ascending, of a symmetric matrix [n, n] of which the lower half is read. */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  if (matrix.length !== n * n)
    throw new MetricError('eigenvalues', `expected ${n} x ${n} numbers, got ${matrix.length}`);
  if (n === 0) return new Float64Array(0);
  const reduced = tridiagonalize(matrix.slice(), n);
  diagonalize(reduced);
  return reduced.diagonal.sort();
}
