// ROUGE-L (Lin 2004) as pycocoevalcap computes it: of the longest common subsequence, with the best
// precision and the best recall of any reference, which need not be the same one.
import {mean} from '../metricError.js';
import type {Scored, Scores} from './ngrams.js';

const beta = 1.2;

/** Length of the longest common subsequence; the table is kept a row at a time. */
function commonLength(a: readonly string[], b: readonly string[]): number {
  const row = new Uint32Array(b.length + 1);
  for (const word of a) {
    let diagonal = 0;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j]!;
      row[j] = word === b[j - 1] ? diagonal + 1 : Math.max(above, row[j - 1]!);
      diagonal = above;
    }
  }
  return row[b.length]!;
}

function scoreOne({candidate, references}: Scored<string>): number {
  // An empty caption is one empty token here.
  const words = candidate.split(' ');
  let precision = 0;
  let recall = 0;
  for (const reference of references) {
    const others = reference.split(' ');
    const common = commonLength(others, words);
    precision = Math.max(precision, common / words.length);
    recall = Math.max(recall, common / others.length);
  }
  if (precision === 0 || recall === 0) return 0;
  return ((1 + beta ** 2) * precision * recall) / (recall + beta ** 2 * precision);
}

/** Tokenized captions, one space between tokens. */
export function rougeL(images: readonly Scored<string>[]): Scores {
  const perImage = images.map(scoreOne);
  return {corpus: mean(perImage), perImage};
}
