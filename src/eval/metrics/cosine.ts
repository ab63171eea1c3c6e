import {MetricError} from './metricError.js';

/** The cosine of two vectors of the same length. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length)
    throw new MetricError(
      'cosine',
      `expected vectors of one length, got ${a.length} and ${b.length}`,
    );
  let dot = 0;
  let squareA = 0;
  let squareB = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    squareA += a[i]! ** 2;
    squareB += b[i]! ** 2;
  }
  const length = Math.sqrt(squareA) * Math.sqrt(squareB);
  if (!(length > 0 && Number.isFinite(length)))
    throw new MetricError('cosine', 'expected finite vectors that are not all zero');
  return dot / length;
}
