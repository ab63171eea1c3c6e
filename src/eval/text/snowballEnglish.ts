// The Snowball stemmer "english" (Porter2), after its description at
// https://snowballstem.org/algorithms/english/stemmer.html

const vowels = 'aeiouy';
const isVowel = (letter: string | undefined) => letter !== undefined && vowels.includes(letter);

/** Whole words with a stem of their own. */
const irregular: Record<string, string> = {
  skis: 'ski',
  skies: 'sky',
  dying: 'die',
  lying: 'lie',
  tying: 'tie',
  idly: 'idl',
  gently: 'gentl',
  ugly: 'ugli',
  early: 'earli',
  only: 'onli',
  singly: 'singl',
};
const invariable = new Set(['sky', 'news', 'howe', 'atlas', 'cosmos', 'bias', 'andes']);
/** Words that step 1a leaves and nothing later may change. */
const finished = new Set('inning outing canning herring earring proceed exceed succeed'.split(' '));

/** An ending, what replaces it, and what else must hold: in region 2, or after one of these letters. */
type Ending = readonly [
  ending: string,
  replacement: string,
  condition?: {readonly inR2?: true; readonly after?: string},
];

const step2: readonly Ending[] = [
  ['tional', 'tion'],
  ['enci', 'ence'],
  ['anci', 'ance'],
  ['abli', 'able'],
  ['entli', 'ent'],
  ['izer', 'ize'],
  ['ization', 'ize'],
  ['ational', 'ate'],
  ['ation', 'ate'],
  ['ator', 'ate'],
  ['alism', 'al'],
  ['aliti', 'al'],
  ['alli', 'al'],
  ['fulness', 'ful'],
  ['ousli', 'ous'],
  ['ousness', 'ous'],
  ['iveness', 'ive'],
  ['iviti', 'ive'],
  ['biliti', 'ble'],
  ['bli', 'ble'],
  ['ogi', 'og', {after: 'l'}],
  ['fulli', 'ful'],
  ['lessli', 'less'],
  ['li', '', {after: 'cdeghkmnrt'}],
];
const step3: readonly Ending[] = [
  ['tional', 'tion'],
  ['ational', 'ate'],
  ['alize', 'al'],
  ['icate', 'ic'],
  ['iciti', 'ic'],
  ['ical', 'ic'],
  ['ful', ''],
  ['ness', ''],
  ['ative', '', {inR2: true}],
];
const step4: readonly Ending[] = [
  ...'al ance ence er ic able ible ant ement ment ent ism ate iti ous ive ize'
    .split(' ')
    .map((ending): Ending => [ending, '', {inR2: true}]),
  ['ion', '', {inR2: true, after: 'st'}],
];

/** The place after the first letter that is no vowel and follows a vowel, from `start` on. */
function region(word: string, start: number): number {
  let i = start;
  while (i < word.length && !isVowel(word[i])) i++;
  while (i < word.length && isVowel(word[i])) i++;
  return Math.min(i + 1, word.length);
}

/** Whether the word ends in a short syllable: consonant, vowel, consonant but w, x and Y; or vowel, consonant. */
function endsShort(word: string): boolean {
  const [before, vowel, last] = [word.at(-3), word.at(-2), word.at(-1)];
  if (!isVowel(vowel) || isVowel(last)) return false;
  if (word.length === 2) return true;
  return !isVowel(before) && !'wxY'.includes(last!);
}

const longestEnding = (word: string, endings: readonly string[]) =>
  endings
    .filter((ending) => word.endsWith(ending))
    .reduce((longest, ending) => (ending.length > longest.length ? ending : longest), '');

const cut = (word: string, ending: string) => word.slice(0, word.length - ending.length);

/** One word on its way through the steps. A `y` that is a consonant is written `Y`. */
class Stem {
  private readonly r1: number;
  private readonly r2: number;

  constructor(private word: string) {
    const special = /^(?:gener|commun|arsen)/.exec(word);
    this.r1 = special ? special[0].length : region(word, 0);
    this.r2 = region(word, this.r1);
  }

  run(): string {
    this.plural();
    if (finished.has(this.word)) return this.word;
    this.pastAndProgressive();
    if (/[yY]$/.test(this.word) && this.word.length > 2 && !isVowel(this.word.at(-2)))
      this.word = `${this.word.slice(0, -1)}i`;
    this.replace(step2);
    this.replace(step3);
    this.replace(step4);
    this.finalLetter();
    return this.word.replaceAll('Y', 'y');
  }

  private isIn(start: number, ending: string): boolean {
    return this.word.length - ending.length >= start;
  }

  private plural(): void {
    this.word = cut(this.word, longestEnding(this.word, ["'", "'s", "'s'"]));
    const {word} = this;
    const ending = longestEnding(word, ['sses', 'ied', 'ies', 's', 'us', 'ss']);
    if (ending === 'sses') this.word = cut(word, 'es');
    else if (ending === 'ied' || ending === 'ies')
      this.word = cut(word, word.length > 4 ? 'es' : 's');
    else if (ending === 's' && [...word.slice(0, -2)].some(isVowel)) this.word = cut(word, 's');
  }

  private pastAndProgressive(): void {
    const ending = longestEnding(this.word, ['eed', 'eedly', 'ed', 'edly', 'ing', 'ingly']);
    if (ending === '') return;
    const rest = cut(this.word, ending);
    if (ending.startsWith('eed')) {
      if (this.isIn(this.r1, ending)) this.word = `${rest}ee`;
      return;
    }
    if (![...rest].some(isVowel)) return;
    if (/(?:at|bl|iz)$/.test(rest)) this.word = `${rest}e`;
    else if (/(?:bb|dd|ff|gg|mm|nn|pp|rr|tt)$/.test(rest)) this.word = rest.slice(0, -1);
    else this.word = rest.length === this.r1 && endsShort(rest) ? `${rest}e` : rest;
  }

  /** The longest of the endings is replaced, if it stands where it must. */
  private replace(endings: readonly Ending[]): void {
    const longest = longestEnding(
      this.word,
      endings.map(([ending]) => ending),
    );
    const found = endings.find(([ending]) => ending === longest);
    if (!found) return;
    const [ending, replacement, condition = {}] = found;
    const rest = cut(this.word, ending);
    if (!this.isIn(condition.inR2 ? this.r2 : this.r1, ending)) return;
    // An ending in region 2 is in region 1 too.
    if (condition.after && !condition.after.includes(rest.at(-1) ?? ' ')) return;
    this.word = rest + replacement;
  }

  private finalLetter(): void {
    const {word} = this;
    const rest = word.slice(0, -1);
    if (word.endsWith('e')) {
      if (this.isIn(this.r2, 'e') || (this.isIn(this.r1, 'e') && !endsShort(rest)))
        this.word = rest;
    } else if (word.endsWith('ll') && this.isIn(this.r2, 'l')) this.word = rest;
  }
}

/** The stem of a word in lower case. */
export function stemEnglish(word: string): string {
  if (Object.hasOwn(irregular, word)) return irregular[word]!;
  if (invariable.has(word) || word.length < 3) return word;
  const start = word.startsWith("'") ? word.slice(1) : word;
  // A y at the beginning or after a vowel is a consonant, and one after such a y is a vowel again.
  let marked = '';
  for (const letter of start)
    marked += letter === 'y' && (marked === '' || isVowel(marked.at(-1))) ? 'Y' : letter;
  return new Stem(marked).run();
}
