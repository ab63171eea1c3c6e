// RICES, retrieval of in-context examples by similarity (Alayrac et al. 2022, Flamingo, in-context
// evaluation): the examples whose pictures are most like the query's, the likest right before the query.
import {cosine} from './cosine.js';
import {MetricError} from './metricError.js';

export interface SupportExample {
  /** Place in the support set, from 0. */
  readonly index: number;
  readonly cosine: number;
}

/**
 * The examples for a prompt of `shots`, in prompt order. Of two that are equally similar the later one of
 * the support set comes first in the prompt, and is the one left out.
 */
export function selectSupport(
  query: ArrayLike<number>,
  support: readonly ArrayLike<number>[],
  shots: number,
): SupportExample[] {
  if (!Number.isInteger(shots) || shots < 0 || shots > support.length)
    throw new MetricError('RICES', `expected 0 to ${support.length} shots, got ${shots}`);
  return support
    .map((vector, index) => ({index, cosine: cosine(query, vector)}))
    .sort((a, b) => b.cosine - a.cosine)
    .slice(0, shots)
    .reverse();
}
