// Frechet distance of two normal distributions, which FID takes of Inception features (Heusel et al. 2017):
// |m1 - m2|² + tr S1 + tr S2 - 2 tr sqrt(S1 S2).
//
// The usual code takes the root of S1 S2, which is not symmetric, and drops an imaginary part. Here, with
// S1 = Aᵀ A and S2 = Bᵀ B, the trace is the sum of the singular values of A Bᵀ, whose squares are the
// eigenvalues of a symmetric matrix. A and B have as many rows as their covariance has rank, so that fewer
// items than features do no harm.
import {type FeatureMoments, featureMoments} from './featureMoments.js';
import {checkFinite, MetricError} from './metricError.js';
import {addRowProducts} from './rowProducts.js';
import {symmetricEigenvalues} from './symmetricEigenvalues.js';

/** How far a covariance may be from symmetric and from positive, for its largest variance 1. */
const SLACK = 1e-6;

interface Factor {
  /** [rank, D]: factorᵀ · factor is the covariance. */
  readonly rows: Float64Array;
  readonly rank: number;
}

/**
 * Cholesky factor with pivots: the feature with the most variance left is next, until what is left is
 * rounding.
 */
function factorize(covariance: Float64Array, D: number): Factor {
  const left = Float64Array.from({length: D}, (_, d) => covariance[d * D + d]!);
  const largest = left.reduce((a, b) => Math.max(a, b), 0);
  const rows = new Float64Array(D * D);
  let rank = 0;
  for (; rank < D; rank++) {
    let pivot = 0;
    for (let d = 1; d < D; d++) if (left[d]! > left[pivot]!) pivot = d;
    if (!(left[pivot]! > D * Number.EPSILON * largest)) break;
    const row = rows.subarray(rank * D, (rank + 1) * D);
    row.set(covariance.subarray(pivot * D, (pivot + 1) * D));
    subtractRows(row, rows, rank, pivot);
    const root = Math.sqrt(left[pivot]!);
    for (let d = 0; d < D; d++) {
      // A feature that was a pivot has nothing left to explain.
      row[d] = left[d] === Number.NEGATIVE_INFINITY ? 0 : row[d]! / root;
      left[d]! -= row[d]! ** 2;
    }
    row[pivot] = root;
    left[pivot] = Number.NEGATIVE_INFINITY;
  }
  if (left.some((value) => Number.isFinite(value) && value < -SLACK * largest))
    throw new MetricError('Frechet distance', 'a covariance has a negative eigenvalue');
  return {rows: rows.subarray(0, rank * D), rank};
}

/** row -= each earlier row, times its number at the pivot; four at a time, to read `row` less often. */
function subtractRows(row: Float64Array, rows: Float64Array, rank: number, pivot: number): void {
  const D = row.length;
  let m = 0;
  for (; m + 4 <= rank; m += 4) {
    const at = m * D;
    const f0 = rows[at + pivot]!;
    const f1 = rows[at + D + pivot]!;
    const f2 = rows[at + 2 * D + pivot]!;
    const f3 = rows[at + 3 * D + pivot]!;
    for (let d = 0, p = at; d < D; d++, p++)
      row[d]! -= f0 * rows[p]! + f1 * rows[p + D]! + f2 * rows[p + 2 * D]! + f3 * rows[p + 3 * D]!;
  }
  for (; m < rank; m++) {
    const factor = rows[m * D + pivot]!;
    for (let d = 0; d < D; d++) row[d]! -= factor * rows[m * D + d]!;
  }
}

/** tr sqrt(S1 S2) */
function traceOfRoot(a: Float64Array, b: Float64Array, D: number): number {
  const factors = [factorize(a, D), factorize(b, D)];
  const [small, large] = factors.sort((one, other) => one.rank - other.rank) as [Factor, Factor];
  const n = small.rank;
  const across = new Float64Array(n * large.rank);
  addRowProducts(across, small.rows, large.rows, [n, large.rank, D]);
  const squares = new Float64Array(n * n);
  addRowProducts(squares, across, across, [n, n, large.rank], true);
  return symmetricEigenvalues(squares, n).reduce(
    (sum, value) => sum + Math.sqrt(Math.max(0, value)), // rounding can leave it just below 0
    0,
  );
}

function checkMoments({mean, covariance}: FeatureMoments): void {
  const D = mean.length;
  if (D === 0 || covariance.length !== D * D)
    throw new MetricError(
      'Frechet distance',
      `expected a covariance of ${D} x ${D} numbers, got ${covariance.length}`,
    );
  checkFinite('Frechet distance', 'means', mean);
  checkFinite('Frechet distance', 'covariances', covariance);
  const largest = covariance.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (let i = 0; i < D; i++)
    for (let j = 0; j < i; j++)
      if (Math.abs(covariance[i * D + j]! - covariance[j * D + i]!) > SLACK * largest)
        throw new MetricError('Frechet distance', `a covariance is not symmetric at ${i}, ${j}`);
}

/** The distance of two distributions given by mean and covariance. Rounding can leave it just below 0. */
export function frechetDistance(a: FeatureMoments, b: FeatureMoments): number {
  const D = a.mean.length;
  if (b.mean.length !== D)
    throw new MetricError(
      'Frechet distance',
      `${D} features on one side, ${b.mean.length} on the other`,
    );
  checkMoments(a);
  checkMoments(b);
  let distance = -2 * traceOfRoot(a.covariance, b.covariance, D);
  for (let d = 0; d < D; d++) {
    distance += (a.mean[d]! - b.mean[d]!) ** 2;
    distance += a.covariance[d * D + d]! + b.covariance[d * D + d]!;
  }
  return distance;
}

/** The distance of two sets of features, [N, D] each, row after row. */
export function frechetDistanceOfFeatures(
  a: Float32Array | Float64Array,
  b: Float32Array | Float64Array,
  numFeatures: number,
): number {
  return frechetDistance(featureMoments(a, numFeatures), featureMoments(b, numFeatures));
}
