// The Porter stemmer (Porter 1980, "An algorithm for suffix stripping") with the changes that NLTK makes by
// default, marked (NLTK) below. Anything but a vowel is a consonant, digits and spaces too: a whole phrase
// is stemmed as if it were one word.

/** (NLTK) Words whose stem is given. */
const irregular = new Map([
  ['sky', 'sky'],
  ['skies', 'sky'],
  ['dying', 'die'],
  ['lying', 'lie'],
  ['tying', 'tie'],
  ['news', 'news'],
  ['innings', 'inning'],
  ['inning', 'inning'],
  ['outings', 'outing'],
  ['outing', 'outing'],
  ['cannings', 'canning'],
  ['canning', 'canning'],
  ['howe', 'howe'],
  ['proceed', 'proceed'],
  ['exceed', 'exceed'],
  ['succeed', 'succeed'],
]);

/** y is a vowel after a consonant. */
function isConsonant(word: string, i: number): boolean {
  let consonant = true; // what the letter at j is, walking up to i
  for (let j = 0; j <= i; j++) {
    if (word[j] === 'y') consonant = j === 0 || !consonant;
    else consonant = !'aeiou'.includes(word[j]!);
  }
  return consonant;
}

/** c and v for the letters: "tree" -> "ccvv". */
function shape(word: string): string {
  let out = '';
  for (const letter of word.split('')) {
    const isVowel = letter === 'y' ? out.endsWith('c') : 'aeiou'.includes(letter);
    out += isVowel ? 'v' : 'c';
  }
  return out;
}

/** m of the paper: how often a vowel is followed by a consonant. */
function measure(stem: string): number {
  return shape(stem).split('vc').length - 1;
}

function hasVowel(stem: string): boolean {
  return shape(stem).includes('v');
}

function endsInDoubleConsonant(word: string): boolean {
  return word.length >= 2 && word.at(-1) === word.at(-2) && isConsonant(word, word.length - 1);
}

/** *o of the paper: consonant, vowel, consonant other than w, x, y. (NLTK) Or just vowel, consonant. */
function endsInShortSyllable(word: string): boolean {
  const form = shape(word);
  return (form.endsWith('cvc') && !/[wxy]$/.test(word)) || form === 'vc';
}

type Condition = (stem: string) => boolean;
type Rule = readonly [suffix: string, replacement: string, condition?: Condition];

/** The first rule whose suffix fits decides: where its condition fails, the word stays. */
function apply(word: string, rules: readonly Rule[]): string {
  for (const [suffix, replacement, condition] of rules) {
    if (!word.endsWith(suffix)) continue;
    const stem = word.slice(0, word.length - suffix.length);
    return (condition?.(stem) ?? true) ? stem + replacement : word;
  }
  return word;
}

const isLong: Condition = (stem) => measure(stem) > 0;
const isLonger: Condition = (stem) => measure(stem) > 1;

/** Plurals. (NLTK) Four letters that end in ies keep the e: dies, ties. */
function step1a(word: string): string {
  if (/^.ies$/su.test(word)) return word.slice(0, -1);
  return apply(word, [
    ['sses', 'ss'],
    ['ies', 'i'],
    ['ss', 'ss'],
    ['s', ''],
  ]);
}

/** Past and -ing. (NLTK) ied has a rule: died -> die, spied -> spi. */
function step1b(word: string): string {
  if (word.endsWith('ied')) return word.slice(0, /^.ied$/su.test(word) ? -1 : -2);
  if (word.endsWith('eed')) return apply(word, [['eed', 'ee', isLong]]);
  const suffix = ['ed', 'ing'].find(
    (ending) => word.endsWith(ending) && hasVowel(word.slice(0, -ending.length)),
  );
  if (suffix === undefined) return word;
  const stem = word.slice(0, -suffix.length);
  if (/(at|bl|iz)$/.test(stem)) return `${stem}e`;
  if (endsInDoubleConsonant(stem)) return /[lsz]$/.test(stem) ? stem : stem.slice(0, -1);
  return measure(stem) === 1 && endsInShortSyllable(stem) ? `${stem}e` : stem;
}

/** (NLTK) y -> i after a consonant that is not the first letter: by stays, happy -> happi, enjoy stays. */
function step1c(word: string): string {
  return apply(word, [
    ['y', 'i', (stem) => /..$/su.test(stem) && isConsonant(stem, stem.length - 1)],
  ]);
}

/** (NLTK) alli is undone first, and fulli and logi are there. */
function step2(word: string): string {
  if (word.endsWith('alli') && isLong(word.slice(0, -4))) return step2(word.slice(0, -2));
  return apply(word, [
    ['ational', 'ate', isLong],
    ['tional', 'tion', isLong],
    ['enci', 'ence', isLong],
    ['anci', 'ance', isLong],
    ['izer', 'ize', isLong],
    ['bli', 'ble', isLong],
    ['alli', 'al', isLong],
    ['entli', 'ent', isLong],
    ['eli', 'e', isLong],
    ['ousli', 'ous', isLong],
    ['ization', 'ize', isLong],
    ['ation', 'ate', isLong],
    ['ator', 'ate', isLong],
    ['alism', 'al', isLong],
    ['iveness', 'ive', isLong],
    ['fulness', 'ful', isLong],
    ['ousness', 'ous', isLong],
    ['aliti', 'al', isLong],
    ['iviti', 'ive', isLong],
    ['biliti', 'ble', isLong],
    ['fulli', 'ful', isLong],
    ['logi', 'log', (stem) => isLong(`${stem}l`)], // the l counts for the stem: geologi, not logi
  ]);
}

function step3(word: string): string {
  return apply(word, [
    ['icate', 'ic', isLong],
    ['ative', '', isLong],
    ['alize', 'al', isLong],
    ['iciti', 'ic', isLong],
    ['ical', 'ic', isLong],
    ['ful', '', isLong],
    ['ness', '', isLong],
  ]);
}

function step4(word: string): string {
  return apply(word, [
    ['al', '', isLonger],
    ['ance', '', isLonger],
    ['ence', '', isLonger],
    ['er', '', isLonger],
    ['ic', '', isLonger],
    ['able', '', isLonger],
    ['ible', '', isLonger],
    ['ant', '', isLonger],
    ['ement', '', isLonger],
    ['ment', '', isLonger],
    ['ent', '', isLonger],
    ['ion', '', (stem) => isLonger(stem) && /[st]$/.test(stem)],
    ['ou', '', isLonger],
    ['ism', '', isLonger],
    ['ate', '', isLonger],
    ['iti', '', isLonger],
    ['ous', '', isLonger],
    ['ive', '', isLonger],
    ['ize', '', isLonger],
  ]);
}

function step5(word: string): string {
  const isDropped: Condition = (stem) =>
    isLonger(stem) || (measure(stem) === 1 && !endsInShortSyllable(stem));
  return apply(apply(word, [['e', '', isDropped]]), [['ll', 'l', (stem) => isLonger(`${stem}l`)]]);
}

/** The stem of a word (or of a phrase taken as one word), in lower case. */
export function porterStem(word: string): string {
  // (NLTK) The given stems are looked up as written: News is not among them. One and two letters stay.
  const given = irregular.get(word);
  if (given !== undefined) return given;
  const lower = word.toLowerCase();
  if ([...word].length <= 2) return lower;
  return [step1a, step1b, step1c, step2, step3, step4, step5].reduce(
    (stem, step) => step(stem),
    lower,
  );
}
