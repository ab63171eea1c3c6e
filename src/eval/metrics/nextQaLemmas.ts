// Text of NExT-QA answers -> the lemmas that WUPS compares. The authors tag the words first, with a tagger
// whose weights do not come with WordNet. Here the part of speech is guessed from the word alone: 448 of 460
// reference answers get the authors' lemmas, and their published 21.48 (val) and 25.18 (test) come out as
// 21.51 and 25.36. Who needs theirs to the digit gives lemmas made with the tagger.
import type {PartOfSpeech, WordNet} from '../text/wordnet.js';
import {porterStem} from './porterStemmer.js';
import {pythonSplit} from './pythonText.js';

/** The stop words of the NExT-OE repository (stopwords.txt, MIT licence). Words of place and no, not stay. */
const stopWords = new Set(
  pythonSplit(`
    i me my myself we our ours ourselves you you're you've you'll you'd your yours yourself yourselves he him
    his himself she she's her hers herself it it's its itself they them their theirs themselves what which
    who whom this that that'll these those am is are was were be been being have has had having do does did
    doing a an the and but if or because as until while to from of at for with about into through during
    again further then here there when where why how all any each most other some such only own so than too
    very s t can will just don don't should should've now d ll m o re ve y ain aren aren't couldn couldn't
    didn didn't doesn doesn't hadn hadn't hasn hasn't haven haven't isn isn't ma mightn mightn't mustn
    mustn't needn needn't shan shan't shouldn shouldn't wasn wasn't weren weren't won won't wouldn wouldn't`),
);

/** Words and signs, with the endings of contractions alone: it's -> it 's, don't -> do n't, cannot -> can not. */
function words(text: string): string[] {
  const apart = text
    .toLowerCase()
    .replace(/\b(can)(not)\b/g, '$1 $2')
    .replace(/(\w)(n't|'(?:s|m|d|ll|re|ve))(?!\w)/g, '$1 $2')
    .replace(/([^\p{L}\p{M}\p{N}\s'.,-])/gu, ' $1 ')
    .replace(/,(?!\d)/g, ' , ')
    .replace(/\.(?=\s*$)/, ' . ');
  return pythonSplit(apart);
}

/** The shortest lemma of a form, of equally short ones the first, as NLTK takes it: pass -> pas, a noun. */
function shortestLemma(wordnet: WordNet, form: string, pos: PartOfSpeech): string | undefined {
  const [first, ...others] = wordnet.lemmasOf(form, pos);
  if (first === undefined) return undefined;
  return others.reduce((best, lemma) => (lemma.length < best.length ? lemma : best), first);
}

/** Verbs that end as plurals do: else was would be more than one wa. */
const auxiliaries = new Set(['is', 'was', 'has', 'does']);

/**
 * A guess without context: -ing, -ed and irregular forms of the past are verbs first, all else is a noun
 * first.
 */
function guessPartsOfSpeech(wordnet: WordNet, form: string): readonly PartOfSpeech[] {
  const verbs = wordnet.lemmasOf(form, 'v');
  const isIrregular = verbs.length > 0 && !verbs.includes(form) && !form.endsWith('s');
  const isVerb = auxiliaries.has(form) || isIrregular || /(ing|ed)$/.test(form);
  return isVerb ? ['v', 'n', 'a', 'r'] : ['n', 'v', 'a', 'r'];
}

function lemma(wordnet: WordNet, form: string): string {
  for (const pos of guessPartsOfSpeech(wordnet, form)) {
    const found = shortestLemma(wordnet, form, pos);
    if (found !== undefined) return found;
  }
  const stem = porterStem(form);
  return wordnet.synsets(stem).length > 0 ? stem : form;
}

/** The lemmas of an answer without stop words, separated by spaces. */
export function nextQaLemmas(wordnet: WordNet, text: string): string {
  return words(text)
    .map((form) => lemma(wordnet, form))
    .filter((found) => !stopWords.has(found))
    .join(' ');
}
