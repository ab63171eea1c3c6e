// BLEU-1 to BLEU-4 (Papineni et al. 2002) as pycocoevalcap counts them.
import {longest, type Ngrams, type Scored, type Scores} from './ngrams.js';

/** Added to the matches and to the n-grams tried, so that a caption without any scores near 0, not NaN. */
const tiny = 1e-15;
const small = 1e-9;

/** What is summed over the pictures before the corpus is scored. */
interface Totals {
  length: number;
  referenceLength: number;
  readonly tried: number[];
  readonly right: number[];
}

const noTotals = (): Totals => ({
  length: 0,
  referenceLength: 0,
  tried: new Array(longest).fill(0),
  right: new Array(longest).fill(0),
});

/** Length of the reference that is nearest; of two as near, the shorter. */
function nearestLength(length: number, references: readonly Ngrams[]): number {
  return references
    .map((reference) => reference.length)
    .reduce((best, other) => {
      const gain = Math.abs(best - length) - Math.abs(other - length);
      return gain > 0 || (gain === 0 && other < best) ? other : best;
    });
}

/**
 * N-grams of the candidate that are right, each at most as often as in the reference that has it most
 * often; by number of words. `most` is room for one number an n-gram, all 0 before and after.
 */
function countRight({candidate, references}: Scored<Ngrams>, most: Int32Array): number[] {
  for (const {grams, times} of references)
    for (let i = 0; i < grams.length; i++)
      if (times[i]! > most[grams[i]!]!) most[grams[i]!] = times[i]!;
  let i = 0;
  const right = candidate.ends.map((end) => {
    let sum = 0;
    for (; i < end; i++) sum += Math.min(candidate.times[i]!, most[candidate.grams[i]!]!);
    return sum;
  });
  for (const {grams} of references) for (const gram of grams) most[gram] = 0;
  return right;
}

function score({length, referenceLength, tried, right}: Totals): number[] {
  const ratio = (length + tiny) / (referenceLength + small);
  const brevity = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
  let product = 1;
  return tried.map((count, n) => {
    product *= (right[n]! + tiny) / (count + small);
    return product ** (1 / (n + 1)) * brevity;
  });
}

/**
 * BLEU-1, -2, -3, -4. The corpus score is that of the summed counts, not a mean. `numGrams`: n-grams have
 * numbers below it.
 */
export function bleu(images: readonly Scored<Ngrams>[], numGrams: number): Scores[] {
  const most = new Int32Array(numGrams);
  const corpus = noTotals();
  const perImage = images.map((image) => {
    const totals = noTotals();
    totals.length = image.candidate.length;
    totals.referenceLength = nearestLength(totals.length, image.references);
    corpus.length += totals.length;
    corpus.referenceLength += totals.referenceLength;
    for (const [n, right] of countRight(image, most).entries()) {
      corpus.tried[n]! += totals.tried[n] = Math.max(0, totals.length - n);
      corpus.right[n]! += totals.right[n] = right;
    }
    return score(totals);
  });
  return score(corpus).map((value, n) => ({
    corpus: value,
    perImage: perImage.map((scores) => scores[n]!),
  }));
}
