// The synsets of a word as METEOR 1.5 finds them, with its own way to take endings off.
import {detachments, type PartOfSpeech, partsOfSpeech, type WordNet} from '../../text/wordnet.js';

/** Keeps what a function says of a word; captions repeat words. */
export function remember<T>(make: (word: string) => T): (word: string) => T {
  const known = new Map<string, T>();
  return (word) => {
    let value = known.get(word);
    if (value === undefined) {
      value = make(word);
      known.set(word, value);
    }
    return value;
  };
}

/** Endings that may be taken off to find a lemma, in order: WordNet's without its later rule for leaves. */
const endings = partsOfSpeech
  .flatMap((pos) => detachments[pos])
  .filter(([ending]) => ending !== 'ves');

/**
 * Debian has mended glosses, which moves the lines after them: the synsets from one offset up to another
 * stand further on than in Princeton's files, whose offsets METEOR has. `lemma` is one of the first.
 */
const debianShifts: readonly {
  readonly pos: PartOfSpeech;
  readonly lemma: string;
  readonly from: number;
  readonly to: number;
  readonly by: number;
}[] = [
  {pos: 'v', lemma: 'forget', from: 613036, to: 2422967, by: 18},
  {pos: 'a', lemma: 'placed', from: 1681478, to: Number.POSITIVE_INFINITY, by: 1},
];

/**
 * The synsets of a word in any inflection. METEOR names a synset by its offset alone, so that synsets of
 * two parts of speech with the same offset count as one.
 */
export function synsetsOf(wordnet: WordNet): (word: string) => ReadonlySet<number> {
  const irregular = new Map<string, string[]>();
  for (const pos of partsOfSpeech)
    for (const [form, lemmas] of wordnet.exceptions(pos))
      irregular.set(form, [...(irregular.get(form) ?? []), ...lemmas]);
  const shifts = debianShifts.filter(({pos, lemma, from}) =>
    wordnet.offsets(lemma, pos).includes(from),
  );
  const numbers = (lemma: string, pos: PartOfSpeech) =>
    wordnet.offsets(lemma, pos).map((offset) => {
      const shift = shifts.find(
        ({pos: of, from, to}) => of === pos && offset >= from && offset < to,
      );
      return shift ? offset - shift.by : offset;
    });
  const isLemma = (word: string) => partsOfSpeech.some((pos) => wordnet.isLemma(word, pos));

  const regular = (word: string): string[] => {
    if (word.endsWith('ss') || word.length <= 2) return [word];
    for (const [ending, replacement] of endings) {
      const lemma = word.slice(0, word.length - ending.length) + replacement;
      if (word.endsWith(ending) && isLemma(lemma)) return [lemma];
    }
    return [];
  };

  return remember((word) => {
    const lemmas = [word, ...(irregular.get(word) ?? regular(word))];
    return new Set(lemmas.flatMap((lemma) => partsOfSpeech.flatMap((pos) => numbers(lemma, pos))));
  });
}
