// CIDEr-D (Vedantam et al. 2015) as pycocoevalcap computes it: likeness of the n-grams, weighted by how
// few of the scored pictures have them in their references.
import {mean} from '../metricError.js';
import {longest, type Ngrams, type Scored, type Scores} from './ngrams.js';

/** Width of the penalty on a difference in length, in words. */
const sigma = 6;

/** In how many pictures' references each n-gram stands. */
function documentFrequency(images: readonly Scored<Ngrams>[], numGrams: number): Uint32Array {
  const frequency = new Uint32Array(numGrams);
  const lastSeen = new Uint32Array(numGrams);
  for (const [i, {references}] of images.entries())
    for (const {grams} of references)
      for (const gram of grams) {
        if (lastSeen[gram] === i + 1) continue;
        lastSeen[gram] = i + 1;
        frequency[gram]! += 1;
      }
  return frequency;
}

/** Length by the official count, which counts the pairs of words. */
const pairs = ({length}: Ngrams) => Math.max(0, length - 1);

class Cider {
  private readonly rarity: Float64Array;
  /** Weights of the candidate at hand by n-gram, else 0. */
  private readonly own: Float64Array;

  constructor(images: readonly Scored<Ngrams>[], numGrams: number) {
    const frequency = documentFrequency(images, numGrams);
    this.rarity = new Float64Array(numGrams);
    for (let gram = 0; gram < numGrams; gram++)
      this.rarity[gram] = Math.log(images.length) - Math.log(Math.max(1, frequency[gram]!));
    this.own = new Float64Array(numGrams);
  }

  score({candidate, references}: Scored<Ngrams>): number {
    const {grams, times, ends} = candidate;
    const norms = ends.map((end, n) => this.norm(candidate, ends[n - 1] ?? 0, end));
    for (const [i, gram] of grams.entries()) this.own[gram] = times[i]! * this.rarity[gram]!;
    const sum = references.reduce((sum, reference) => {
      const difference = pairs(candidate) - pairs(reference);
      return (
        sum + this.likeness(reference, norms) * Math.exp(-(difference ** 2) / (2 * sigma ** 2))
      );
    }, 0);
    for (const gram of grams) this.own[gram] = 0;
    return (10 * sum) / longest / references.length;
  }

  /** Length of the weighted vector of the n-grams from `start` to `end`. */
  private norm({grams, times}: Ngrams, start: number, end: number): number {
    let squares = 0;
    for (let i = start; i < end; i++) squares += (times[i]! * this.rarity[grams[i]!]!) ** 2;
    return Math.sqrt(squares);
  }

  /** Sum over n of the cosines between candidate and reference. */
  private likeness(reference: Ngrams, ownNorms: readonly number[]): number {
    const {grams, times, ends} = reference;
    let sum = 0;
    let i = 0;
    for (const [n, end] of ends.entries()) {
      const norm = ownNorms[n]! * this.norm(reference, i, end);
      let product = 0;
      for (; i < end; i++) {
        const own = this.own[grams[i]!]!;
        if (own === 0) continue;
        const weight = times[i]! * this.rarity[grams[i]!]!;
        // Clipped, so that repeating a word of the references does not pay.
        product += Math.min(own, weight) * weight;
      }
      sum += norm === 0 ? product : product / norm;
    }
    return sum;
  }
}

/** `numGrams`: n-grams have numbers below it. */
export function cider(images: readonly Scored<Ngrams>[], numGrams: number): Scores {
  const scorer = new Cider(images, numGrams);
  const perImage = images.map((image) => scorer.score(image));
  return {corpus: mean(perImage), perImage};
}
