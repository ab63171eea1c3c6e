import {checkFinite, MetricError} from './metricError.js';
import {addRowProducts, mirrorLower} from './rowProducts.js';

/** Mean and covariance of features, in float64. */
export interface FeatureMoments {
  readonly mean: Float64Array;
  /** [D, D], symmetric; divided by N - 1. */
  readonly covariance: Float64Array;
}

// N items, D features

// Items whose features are centred and turned at a time: 2048 features of 256 items are 4 MB.
const CHUNK = 256;

function meanOfRows(features: Float32Array | Float64Array, N: number, D: number): Float64Array {
  const mean = new Float64Array(D);
  for (let n = 0; n < N; n++) for (let d = 0; d < D; d++) mean[d]! += features[n * D + d]!;
  return mean.map((sum) => sum / N);
}

/** The moments of features [N, D], row after row. */
export function featureMoments(
  features: Float32Array | Float64Array,
  numFeatures: number,
): FeatureMoments {
  const D = numFeatures;
  const N = features.length / D;
  if (!Number.isInteger(D) || D < 1 || !Number.isInteger(N))
    throw new MetricError(
      'moments',
      `expected rows of ${D} features, got ${features.length} numbers`,
    );
  if (N < 2) throw new MetricError('moments', `a covariance takes two items or more, got ${N}`);
  checkFinite('moments', 'features', features);
  const mean = meanOfRows(features, N, D);
  const covariance = new Float64Array(D * D);
  for (let start = 0; start < N; start += CHUNK) {
    const count = Math.min(CHUNK, N - start);
    const columns = new Float64Array(D * count);
    for (let n = 0; n < count; n++)
      for (let d = 0; d < D; d++)
        columns[d * count + n] = features[(start + n) * D + d]! - mean[d]!;
    addRowProducts(covariance, columns, columns, [D, D, count], true);
  }
  for (let i = 0; i < covariance.length; i++) covariance[i]! /= N - 1;
  mirrorLower(covariance, D);
  return {mean, covariance};
}
