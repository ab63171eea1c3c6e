// What METEOR 1.5 takes for the same (Denkowski and Lavie 2014, section 2): equal words, words with one
// stem, words with a synset in common, phrases that a table calls paraphrases.
import {stemEnglish} from '../../text/snowballEnglish.js';
import type {WordNet} from '../../text/wordnet.js';
import {remember, synsetsOf} from './meteorSynsets.js';
import type {ParaphraseTable} from './paraphraseTable.js';

/** A stretch of words of the candidate that matches one of the reference. */
export interface Match {
  /** The module that found it, by its place among the modules in use. */
  readonly module: number;
  readonly candidateStart: number;
  readonly candidateLength: number;
  readonly referenceStart: number;
  readonly referenceLength: number;
}

export type Span = Omit<Match, 'module'>;

/** Finds every match of one kind, ordered by place in the reference, then in the candidate. */
export type Matcher = (candidate: readonly string[], reference: readonly string[]) => Span[];

/** Matches single words by what `key` says of each; `same` compares. */
function matchWords<K>(
  candidate: readonly string[],
  reference: readonly string[],
  key: (word: string) => K,
  same: (a: K, b: K) => boolean,
): Span[] {
  const keys = candidate.map(key);
  const spans: Span[] = [];
  for (const [referenceStart, word] of reference.entries()) {
    const own = key(word);
    for (const [candidateStart, other] of keys.entries())
      if (same(other, own))
        spans.push({candidateStart, candidateLength: 1, referenceStart, referenceLength: 1});
  }
  return spans;
}

/** Modules after the first leave equal words to it. */
function unequal(
  spans: Span[],
  candidate: readonly string[],
  reference: readonly string[],
): Span[] {
  return spans.filter((span) => candidate[span.candidateStart] !== reference[span.referenceStart]);
}

export const matchEqual: Matcher = (candidate, reference) =>
  matchWords(
    candidate,
    reference,
    (word) => word,
    (a, b) => a === b,
  );

export function stemMatcher(): Matcher {
  const stem = remember(stemEnglish);
  return (candidate, reference) =>
    unequal(
      matchWords(candidate, reference, stem, (a, b) => a === b),
      candidate,
      reference,
    );
}

export function synonymMatcher(wordnet: WordNet): Matcher {
  const synsets = synsetsOf(wordnet);
  const overlap = (a: ReadonlySet<number>, b: ReadonlySet<number>) => {
    for (const synset of a) if (b.has(synset)) return true;
    return false;
  };
  return (candidate, reference) =>
    unequal(matchWords(candidate, reference, synsets, overlap), candidate, reference);
}

/** Whether `phrase` stands in `words` at `start`. */
function standsAt(words: readonly string[], start: number, phrase: readonly string[]): boolean {
  return phrase.every((word, i) => words[start + i] === word);
}

export function paraphraseMatcher(table: ParaphraseTable): Matcher {
  return (candidate, reference) => {
    const spans: Span[] = [];
    // The table is read both ways: phrases of the reference first, then those of the candidate.
    for (let start = 0; start < reference.length; start++)
      for (const {length, paraphrase} of table.at(reference, start))
        for (let other = 0; other < candidate.length; other++)
          if (standsAt(candidate, other, paraphrase))
            spans.push({
              candidateStart: other,
              candidateLength: paraphrase.length,
              referenceStart: start,
              referenceLength: length,
            });
    for (let start = 0; start < candidate.length; start++)
      for (const {length, paraphrase} of table.at(candidate, start))
        for (let other = 0; other < reference.length; other++)
          if (standsAt(reference, other, paraphrase))
            spans.push({
              candidateStart: start,
              candidateLength: length,
              referenceStart: other,
              referenceLength: paraphrase.length,
            });
    return spans;
  };
}
