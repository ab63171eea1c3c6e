// WUPS (Malinowski and Fritz 2014) for the open-ended answers of NExT-QA, as its authors score them
// (NExT-OE, metrics.py and eval_oe.py): answers are compared word by word in WordNet. Takes lemmas without
// stop words; nextQaLemmas.ts makes them from text.
import type {WordNet} from '../text/wordnet.js';
import {groupBy} from './groupBy.js';
import {MetricError, mean} from './metricError.js';
import {pythonSplit} from './pythonText.js';
import {wuPalmer} from './wuPalmer.js';

/** Similarities below alpha count a tenth: WUPS@0 and WUPS@0.9. The published WUPS is that of 0. */
export const wupsAlphas = [0, 0.9] as const;

/** Scores words and answers against one WordNet, remembering the pairs it has seen. */
export class WupsScorer {
  private readonly seen = new Map<string, number>();

  constructor(private readonly wordnet: WordNet) {}

  /** 1 for equal words, else Wu-Palmer of their first synsets; 0 where there is none. Not symmetric. */
  wordSimilarity(a: string, b: string, alpha = 0): number {
    if (a === b) return 1;
    const pair = `${a} ${b}`;
    let similarity = this.seen.get(pair);
    if (similarity === undefined) {
      const [first, second] = [this.wordnet.synsets(a)[0], this.wordnet.synsets(b)[0]];
      similarity = first && second ? (wuPalmer(this.wordnet, first, second) ?? 0) : 0;
      this.seen.set(pair, similarity);
    }
    return similarity < alpha ? 0.1 * similarity : similarity;
  }

  /** The product of each word's best similarity to `others`. Words with nothing in common are passed over. */
  private oneWay(words: readonly string[], others: readonly string[], alpha: number): number {
    const best = words
      .map((word) =>
        others.reduce((most, other) => Math.max(most, this.wordSimilarity(word, other, alpha)), 0),
      )
      .filter((similarity) => similarity > 0);
    return best.length === 0 ? 0 : best.reduce((product, similarity) => product * similarity, 1);
  }

  /** Similarity of two answers, lemmas separated by spaces: the lesser of both directions. */
  wups(prediction: string, answer: string, alpha = 0): number {
    const [a, b] = [pythonSplit(prediction), pythonSplit(answer)];
    return Math.min(this.oneWay(a, b, alpha), this.oneWay(b, a, alpha));
  }

  /** One NExT-QA question: counts and yes/no are right or wrong, others score by WUPS. */
  score(item: WupsItem, alpha = 0): number {
    const references = [item.answer, ...(item.otherAnswers ?? [])];
    const scores = references.map((answer) =>
      item.type === 'DC' || item.type === 'DB'
        ? Number(item.prediction === answer)
        : this.wups(item.prediction, answer, alpha),
    );
    return Math.max(...scores);
  }
}

/** Causal (why, how), temporal (before or after, meanwhile), descriptive (yes/no, count, place, other). */
export const nextQaTypes = ['CW', 'CH', 'TP', 'TN', 'TC', 'DB', 'DC', 'DL', 'DO'] as const;
export type NextQaType = (typeof nextQaTypes)[number];

export interface WupsItem {
  readonly type: NextQaType;
  /** Lemmas without stop words, separated by spaces. */
  readonly prediction: string;
  readonly answer: string;
  /** More right answers: the best counts. */
  readonly otherAnswers?: readonly string[];
}

export interface WupsScores {
  /** Percent, as are all numbers here. */
  readonly all: number;
  /** TP is counted with TN. Types that no item has are left out. */
  readonly byType: ReadonlyMap<string, number>;
  /** C causal, T temporal, D descriptive. */
  readonly byGroup: ReadonlyMap<string, number>;
}

/** WUPS over a set of questions. */
export function wupsScores(items: readonly WupsItem[], scorer: WupsScorer, alpha = 0): WupsScores {
  if (items.length === 0) throw new MetricError('WUPS', 'expected questions, got none');
  const unknown = items.find(({type}) => !nextQaTypes.includes(type));
  if (unknown)
    throw new MetricError(
      'WUPS',
      `expected a type of ${nextQaTypes.join(' ')}, got ${unknown.type}`,
    );
  const scored = items.map((item) => ({
    type: item.type === 'TP' ? 'TN' : item.type,
    score: 100 * scorer.score(item, alpha),
  }));
  const means = (keyOf: (type: string) => string) => {
    const groups = groupBy(scored, ({type}) => keyOf(type));
    return new Map([...groups].map(([key, group]) => [key, mean(group.map(({score}) => score))]));
  };
  return {
    all: mean(scored.map(({score}) => score)),
    byType: means((type) => type),
    byGroup: means((type) => type[0]!),
  };
}
