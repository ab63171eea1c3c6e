// METEOR 1.5 (Denkowski and Lavie 2014) for English with the parameters of its ranking task, which is what
// pycocoevalcap runs. The official metric has four modules; the paraphrase table of the fourth is a file
// of the METEOR distribution, so without it the score is named METEOR(ess): exact, stem, synonym.
import type {WordNet} from '../../text/wordnet.js';
import {align, countChunks} from './meteorAligner.js';
import {
  type Match,
  type Matcher,
  matchEqual,
  paraphraseMatcher,
  stemMatcher,
  synonymMatcher,
} from './meteorMatchers.js';
import {meteorWords} from './meteorWords.js';
import type {Scored, Scores} from './ngrams.js';
import type {ParaphraseTable} from './paraphraseTable.js';

/** Weight of recall against precision. */
const alpha = 0.85;
/** How fast the penalty grows with fragmentation, and how far. */
const beta = 0.2;
const gamma = 0.6;
/** Weight of a content word; a function word has the rest. */
const delta = 0.75;

export type MeteorModule = 'exact' | 'stem' | 'synonym' | 'paraphrase';

const weightOf: Record<MeteorModule, number> = {exact: 1, stem: 0.6, synonym: 0.8, paraphrase: 0.6};

/**
 * Words of little content: those that make up at least a thousandth of the English training text of the
 * Workshop on Machine Translation, which is METEOR's definition of a function word.
 */
const functionWords = new Set(
  (
    'the , . to of and a in that for " is on \'s it with was as said at he by be from have has are his ' +
    'but an this not i will \u2019 they ) -rrb- ( -lrb- who their had we which were been more or s its ' +
    'would about new one after you : also up when there than $ all out her people she year two - can if ' +
    "last first \u201c over other \u201d into some what so -- no time years could ? 't \u2014 '"
  ).split(' '),
);

/** Counts of one pairing, which add up over a corpus. */
export interface MeteorCounts {
  candidateLength: number;
  referenceLength: number;
  candidateFunction: number;
  referenceFunction: number;
  /** By module: words matched, of the candidate and of the reference, content words and function words. */
  readonly matched: {
    candidateContent: number;
    referenceContent: number;
    candidateFunction: number;
    referenceFunction: number;
  }[];
  chunks: number;
}

const isFunctionWord = (word: string) => functionWords.has(word);

const countIn = (words: readonly string[], start = 0, length = words.length) =>
  words.slice(start, start + length).filter(isFunctionWord).length;

function count(
  candidate: readonly string[],
  reference: readonly string[],
  matches: readonly Match[],
  numModules: number,
): MeteorCounts {
  const matched = Array.from({length: numModules}, () => ({
    candidateContent: 0,
    referenceContent: 0,
    candidateFunction: 0,
    referenceFunction: 0,
  }));
  for (const match of matches) {
    const sums = matched[match.module]!;
    const ofCandidate = countIn(candidate, match.candidateStart, match.candidateLength);
    const ofReference = countIn(reference, match.referenceStart, match.referenceLength);
    sums.candidateFunction += ofCandidate;
    sums.candidateContent += match.candidateLength - ofCandidate;
    sums.referenceFunction += ofReference;
    sums.referenceContent += match.referenceLength - ofReference;
  }
  return {
    candidateLength: candidate.length,
    referenceLength: reference.length,
    candidateFunction: countIn(candidate),
    referenceFunction: countIn(reference),
    matched,
    chunks: countChunks(matches),
  };
}

/** Words matched in the candidate and in the reference, of every module. */
function allMatched({matched}: MeteorCounts): {candidate: number; reference: number} {
  let candidate = 0;
  let reference = 0;
  for (const sums of matched) {
    candidate += sums.candidateContent + sums.candidateFunction;
    reference += sums.referenceContent + sums.referenceFunction;
  }
  return {candidate, reference};
}

/** Everything is matched in one piece. */
function isPerfect(counts: MeteorCounts): boolean {
  const all = allMatched(counts);
  return (
    all.candidate === counts.candidateLength &&
    all.reference === counts.referenceLength &&
    counts.chunks === 1
  );
}

function score(counts: MeteorCounts, weights: readonly number[]): number {
  const weigh = (content: number, functional: number) => delta * content + (1 - delta) * functional;
  let candidateMatched = 0;
  let referenceMatched = 0;
  for (const [module, sums] of counts.matched.entries()) {
    candidateMatched += weights[module]! * weigh(sums.candidateContent, sums.candidateFunction);
    referenceMatched += weights[module]! * weigh(sums.referenceContent, sums.referenceFunction);
  }
  const {candidateLength, referenceLength, candidateFunction, referenceFunction} = counts;
  const precision =
    candidateMatched / weigh(candidateLength - candidateFunction, candidateFunction);
  const recall = referenceMatched / weigh(referenceLength - referenceFunction, referenceFunction);
  const harmonic = 1 / ((1 - alpha) / precision + alpha / recall);
  const all = allMatched(counts);
  const fragmentation = isPerfect(counts)
    ? 0
    : counts.chunks / ((all.candidate + all.reference) / 2);
  const value = harmonic * (1 - gamma * fragmentation ** beta);
  return Number.isNaN(value) ? 0 : Math.max(value, 0);
}

function add(sum: MeteorCounts, counts: MeteorCounts): void {
  sum.candidateLength += counts.candidateLength;
  sum.referenceLength += counts.referenceLength;
  sum.candidateFunction += counts.candidateFunction;
  sum.referenceFunction += counts.referenceFunction;
  for (const [module, sums] of counts.matched.entries()) {
    const total = sum.matched[module]!;
    total.candidateContent += sums.candidateContent;
    total.referenceContent += sums.referenceContent;
    total.candidateFunction += sums.candidateFunction;
    total.referenceFunction += sums.referenceFunction;
  }
  if (!isPerfect(counts)) sum.chunks += counts.chunks;
}

export class Meteor {
  /** `METEOR` with all four modules, else the initials of those in use: `METEOR(ess)`. */
  readonly label: string;
  private readonly matchers: readonly Matcher[];
  private readonly weights: readonly number[];

  /** Without WordNet only equal words and stems match. */
  constructor(
    options: {
      readonly stem?: boolean;
      readonly wordnet?: WordNet;
      readonly paraphrases?: ParaphraseTable;
    } = {},
  ) {
    const modules: [MeteorModule, Matcher][] = [['exact', matchEqual]];
    if (options.stem ?? true) modules.push(['stem', stemMatcher()]);
    if (options.wordnet) modules.push(['synonym', synonymMatcher(options.wordnet)]);
    if (options.paraphrases) modules.push(['paraphrase', paraphraseMatcher(options.paraphrases)]);
    this.matchers = modules.map(([, matcher]) => matcher);
    this.weights = modules.map(([module]) => weightOf[module]);
    const initials = modules.map(([module]) => module[0]).join('');
    this.label = modules.length === 4 ? 'METEOR' : `METEOR(${initials})`;
  }

  /** The counts against the reference that gives the best score, of tokenized captions. */
  counts({candidate, references}: Scored<string>): MeteorCounts {
    const words = meteorWords(candidate);
    let best: {counts: MeteorCounts; value: number} | undefined;
    for (const reference of references) {
      const others = meteorWords(reference);
      const matches = align(words, others, this.matchers);
      const counts = count(words, others, matches, this.matchers.length);
      const value = score(counts, this.weights);
      if (!best || value > best.value) best = {counts, value};
    }
    return best!.counts;
  }

  /** Tokenized captions. The corpus score is that of the summed counts, not a mean. */
  score(images: readonly Scored<string>[]): Scores {
    const sum = count([], [], [], this.matchers.length);
    const perImage = images.map((image) => {
      const counts = this.counts(image);
      add(sum, counts);
      return score(counts, this.weights);
    });
    return {corpus: score(sum, this.weights), perImage};
  }
}

/** The words METEOR aligns in these captions: what a paraphrase table has to be read for. */
export function meteorVocabulary(images: readonly Scored<string>[]): Set<string> {
  return new Set(
    images.flatMap(({candidate, references}) => [candidate, ...references].flatMap(meteorWords)),
  );
}
