// Reads the database files of WordNet 3.0 (formats: the manual pages wndb(5WN) and morphy(7WN)).
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {EmuError} from '../../errors.js';

/** Noun, verb, adjective, adverb, in the order in which all of them are looked up. */
export const partsOfSpeech = ['n', 'v', 'a', 'r'] as const;
export type PartOfSpeech = (typeof partsOfSpeech)[number];

/** A relation from one synset to another; `symbol` as in the file: `@` hypernym, `@i` instance hypernym. */
export interface Pointer {
  readonly symbol: string;
  readonly pos: PartOfSpeech;
  readonly offset: number;
}

export interface Synset {
  readonly pos: PartOfSpeech;
  /** Where the synset's line begins in its data file, which is its name within the part of speech. */
  readonly offset: number;
  /** The words as written, spaces as underscores. */
  readonly words: readonly string[];
  readonly pointers: readonly Pointer[];
}

const fileSuffix: Record<PartOfSpeech, string> = {n: 'noun', v: 'verb', a: 'adj', r: 'adv'};

/** Endings that inflection leaves, and what the lemma has instead (morphy(7WN), rules of detachment). */
export const detachments: Record<PartOfSpeech, readonly (readonly [string, string])[]> = {
  n: [
    ['s', ''],
    ['ses', 's'],
    ['ves', 'f'],
    ['xes', 'x'],
    ['zes', 'z'],
    ['ches', 'ch'],
    ['shes', 'sh'],
    ['men', 'man'],
    ['ies', 'y'],
  ],
  v: [
    ['s', ''],
    ['ies', 'y'],
    ['es', 'e'],
    ['es', ''],
    ['ed', 'e'],
    ['ed', ''],
    ['ing', 'e'],
    ['ing', ''],
  ],
  a: [
    ['er', ''],
    ['est', ''],
    ['er', 'e'],
    ['est', 'e'],
  ],
  r: [],
};

function detach(forms: readonly string[], pos: PartOfSpeech): string[] {
  return forms.flatMap((form) =>
    detachments[pos].flatMap(([ending, lemmaEnding]) =>
      form.endsWith(ending) ? [form.slice(0, form.length - ending.length) + lemmaEnding] : [],
    ),
  );
}

/** The files of one part of speech. */
class Database {
  private readonly index: Buffer;
  /** Far larger than the rest, and not needed to know lemmas and offsets. */
  private data: Buffer | undefined;
  private readonly exceptions = new Map<string, string[]>();
  /** Where the entry of a lemma begins in the index. */
  private readonly entries = new Map<string, number>();
  private readonly parsed = new Map<number, Synset>();

  constructor(
    private readonly folder: string,
    private readonly pos: PartOfSpeech,
  ) {
    const suffix = fileSuffix[pos];
    this.index = readDatabaseFile(folder, `index.${suffix}`);
    for (const line of readDatabaseFile(folder, `${suffix}.exc`).toString('latin1').split('\n')) {
      const [form, ...lemmas] = line.trim().split(' ');
      if (form && lemmas.length > 0)
        this.exceptions.set(form, [...(this.exceptions.get(form) ?? []), ...lemmas]);
    }
    for (let start = 0; start < this.index.length; ) {
      const end = lineEnd(this.index, start);
      const space = this.index.indexOf(32, start);
      // The lines of the licence at the head begin with a space.
      if (space > start) this.entries.set(this.index.toString('latin1', start, space), start);
      start = end + 1;
    }
  }

  lemmas(): IterableIterator<string> {
    return this.entries.keys();
  }

  exceptionForms(): IterableIterator<[string, readonly string[]]> {
    return this.exceptions.entries();
  }

  has(lemma: string): boolean {
    return this.entries.has(lemma);
  }

  /** lemma pos synset_cnt p_cnt [symbol...] sense_cnt tagsense_cnt offset [offset...] */
  offsets(lemma: string): number[] {
    const start = this.entries.get(lemma);
    if (start === undefined) return [];
    const fields = this.index
      .toString('latin1', start, lineEnd(this.index, start))
      .trim()
      .split(' ');
    return fields.slice(6 + Number(fields[3])).map(Number);
  }

  lemmasOf(form: string): string[] {
    const known = (forms: readonly string[]) =>
      [...new Set(forms)].filter((candidate) => this.entries.has(candidate));
    const irregular = this.exceptions.get(form);
    if (irregular) return known([form, ...irregular]);
    let forms = detach([form], this.pos);
    const once = known([form, ...forms]);
    if (once.length > 0) return once;
    while (forms.length > 0) {
      forms = detach(forms, this.pos);
      const found = known(forms);
      if (found.length > 0) return found;
    }
    return [];
  }

  /** offset lex_filenum ss_type w_cnt word lex_id [...] p_cnt [symbol offset pos source/target ...] | gloss */
  synset(offset: number): Synset {
    const before = this.parsed.get(offset);
    if (before) return before;
    this.data ??= readDatabaseFile(this.folder, `data.${fileSuffix[this.pos]}`);
    const fields = this.data.toString('latin1', offset, lineEnd(this.data, offset)).split(' ');
    if (Number(fields[0]) !== offset)
      throw new Error(`wordnet: expected a synset at ${offset} of data.${fileSuffix[this.pos]}`);
    const wordCount = Number.parseInt(fields[3]!, 16);
    const words: string[] = [];
    // An adjective can carry the place where it stands: `galore(ip)`.
    for (let i = 0; i < wordCount; i++) words.push(fields[4 + 2 * i]!.replace(/\((a|p|ip)\)$/, ''));
    const pointerCount = 4 + 2 * wordCount;
    const pointers: Pointer[] = [];
    for (let i = 0; i < Number(fields[pointerCount]); i++) {
      const [symbol, target, pos] = fields.slice(pointerCount + 1 + 4 * i);
      // s, a satellite adjective, is in the files of the adjectives.
      pointers.push({
        symbol: symbol!,
        offset: Number(target),
        pos: (pos === 's' ? 'a' : pos) as PartOfSpeech,
      });
    }
    const synset: Synset = {pos: this.pos, offset, words, pointers};
    this.parsed.set(offset, synset);
    return synset;
  }
}

function lineEnd(text: Buffer, start: number): number {
  const end = text.indexOf(10, start);
  return end < 0 ? text.length : end;
}

function readDatabaseFile(folder: string, name: string): Buffer {
  const file = path.join(folder, name);
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new EmuError(
      `${file}: expected a file of WordNet 3.0, could not read it; ` +
        'install the Debian package wordnet-base (its files are in /usr/share/wordnet), or name the folder that holds index.noun',
      {code: 'wordnet_missing', file, cause},
    );
  }
}

/** WordNet in a folder. A part of speech is read when it is first asked for. */
export class WordNet {
  private readonly databases = new Map<PartOfSpeech, Database>();
  private readonly depths = new Map<Synset, {readonly min: number; readonly max: number}>();

  private constructor(readonly folder: string) {}

  /** Throws an EmuError that names the Debian package when the folder has no WordNet. */
  static open(folder: string): WordNet {
    const wordnet = new WordNet(folder);
    wordnet.database('n');
    return wordnet;
  }

  /** The synsets in which a word is a lemma, the commonest sense first. */
  offsets(lemma: string, pos: PartOfSpeech): number[] {
    return this.database(pos).offsets(lemma);
  }

  /** Every lemma of a part of speech, lower case, in the order of the index. */
  lemmas(pos: PartOfSpeech): IterableIterator<string> {
    return this.database(pos).lemmas();
  }

  /** Irregular forms with their lemmas. */
  exceptions(pos: PartOfSpeech): IterableIterator<[string, readonly string[]]> {
    return this.database(pos).exceptionForms();
  }

  isLemma(word: string, pos: PartOfSpeech): boolean {
    return this.database(pos).has(word);
  }

  /** The lemmas a form can belong to: irregular forms by list, others by detachment; lower case in, lower case out. */
  lemmasOf(form: string, pos: PartOfSpeech): string[] {
    return this.database(pos).lemmasOf(form);
  }

  /** The first lemma of a form, as NLTK's `morphy`. */
  lemmatise(form: string, pos: PartOfSpeech): string | undefined {
    return this.lemmasOf(form.toLowerCase(), pos)[0];
  }

  /** The synsets of a word in any inflection, as NLTK's `synsets`; all parts of speech without `pos`. */
  synsets(word: string, pos?: PartOfSpeech): Synset[] {
    const form = word.toLowerCase();
    return (pos ? [pos] : partsOfSpeech).flatMap((each) =>
      this.lemmasOf(form, each).flatMap((lemma) =>
        this.offsets(lemma, each).map((offset) => this.synset(each, offset)),
      ),
    );
  }

  /** The same object each time, so that synsets can be compared with `===` and be keys. */
  synset(pos: PartOfSpeech, offset: number): Synset {
    return this.database(pos).synset(offset);
  }

  related(synset: Synset, ...symbols: readonly string[]): Synset[] {
    return synset.pointers
      .filter((pointer) => symbols.includes(pointer.symbol))
      .map((pointer) => this.synset(pointer.pos, pointer.offset));
  }

  /** The kinds it is of, and for a named thing the kinds it is an instance of. */
  hypernyms(synset: Synset): Synset[] {
    return [...this.related(synset, '@'), ...this.related(synset, '@i')];
  }

  /** Every way from a root down to the synset, both included. */
  hypernymPaths(synset: Synset): Synset[][] {
    const above = this.hypernyms(synset);
    if (above.length === 0) return [[synset]];
    return above.flatMap((hypernym) => this.hypernymPaths(hypernym).map((way) => [...way, synset]));
  }

  /** The synset and all above it, each with the length of the shortest way up to it. */
  hypernymDistances(synset: Synset): Map<Synset, number> {
    const distances = new Map([[synset, 0]]);
    // A Map gives what is added while it is walked, so this goes up breadth first.
    for (const [reached, distance] of distances)
      for (const hypernym of this.hypernyms(reached))
        if (!distances.has(hypernym)) distances.set(hypernym, distance + 1);
    return distances;
  }

  /** Length of the shortest way to a root: 0 at a root. */
  minDepth(synset: Synset): number {
    return this.depth(synset).min;
  }

  /** Length of the longest way to a root. */
  maxDepth(synset: Synset): number {
    return this.depth(synset).max;
  }

  private depth(synset: Synset): {readonly min: number; readonly max: number} {
    const before = this.depths.get(synset);
    if (before) return before;
    const above = this.hypernyms(synset).map((hypernym) => this.depth(hypernym));
    const depth =
      above.length === 0
        ? {min: 0, max: 0}
        : {
            min: 1 + Math.min(...above.map(({min}) => min)),
            max: 1 + Math.max(...above.map(({max}) => max)),
          };
    this.depths.set(synset, depth);
    return depth;
  }

  private database(pos: PartOfSpeech): Database {
    let database = this.databases.get(pos);
    if (!database) {
      database = new Database(this.folder, pos);
      this.databases.set(pos, database);
    }
    return database;
  }
}
