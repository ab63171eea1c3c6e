// Inception Score (Salimans et al. 2016): high where each picture is clearly of one class and all pictures
// together are of many.
import {MetricError} from './metricError.js';

export interface InceptionScore {
  readonly mean: number;
  /** Population standard deviation over the splits. */
  readonly std: number;
}

// N pictures, C classes

/** exp of the mean divergence of rows `start` to `end` from their average. */
function splitScore(probs: ArrayLike<number>, C: number, start: number, end: number): number {
  const average = new Float64Array(C);
  for (let n = start; n < end; n++)
    for (let c = 0; c < C; c++) average[c]! += probs[n * C + c]! / (end - start);
  let divergence = 0;
  for (let n = start; n < end; n++)
    for (let c = 0; c < C; c++) {
      const p = probs[n * C + c]!;
      if (p > 0) divergence += p * Math.log(p / average[c]!); // p log p goes to 0 with p
    }
  return Math.exp(divergence / (end - start));
}

/** Class probabilities [N, C] -> the score, over `splits` parts of the pictures in their order. */
export function inceptionScore(
  probs: ArrayLike<number>,
  numClasses: number,
  splits = 10,
): InceptionScore {
  const N = probs.length / numClasses;
  if (!Number.isInteger(N) || N === 0)
    throw new MetricError(
      'inception score',
      `expected rows of ${numClasses} probabilities, got ${probs.length} numbers`,
    );
  if (!Number.isInteger(splits) || splits < 1 || splits > N)
    throw new MetricError('inception score', `expected 1 to ${N} splits, got ${splits}`);
  for (let i = 0; i < probs.length; i++)
    if (!(probs[i]! >= 0 && probs[i]! <= 1 + 1e-6))
      throw new MetricError('inception score', `expected probabilities, got ${probs[i]}`);
  const scores = Array.from({length: splits}, (_, i) =>
    splitScore(probs, numClasses, Math.floor((i * N) / splits), Math.floor(((i + 1) * N) / splits)),
  );
  const mean = scores.reduce((sum, score) => sum + score, 0) / splits;
  const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / splits;
  return {mean, std: Math.sqrt(variance)};
}
