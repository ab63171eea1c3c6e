// The vocabulary of a small model: whole words, lower case, one id each.
import {ModelError} from '../errors.js';
import {type SpecialIds, SpecialTokens, specialIds} from './specialTokens.js';
import type {TokenDecoder, Tokenizer} from './tokenizer.js';

/** First in every word vocabulary that training makes; the last two wait for the instruct stage. */
export const wordSpecials: readonly string[] = [
  '<unk>',
  '<s>',
  '</s>',
  '[PAD]',
  '[IMG]',
  '[/IMG]',
  '<image>',
  '[USER]',
  '[ASSISTANT]',
];

/** vocab.json: the tokens in the order of their ids, special ones by name among them. */
export interface WordVocabulary {
  readonly tokens: readonly string[];
}

export function isWordVocabulary(json: unknown): json is WordVocabulary {
  const tokens = (json as Partial<WordVocabulary> | null)?.tokens;
  return Array.isArray(tokens) && tokens.every((token) => typeof token === 'string');
}

/** The words of a text: lower case; runs of letters, runs of digits, and every other sign alone. */
export function splitWords(text: string): string[] {
  return (
    text
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{M}]+|\p{N}+|[^\s\p{L}\p{M}\p{N}]/gu) ?? []
  );
}

const closing = new Set('.,!?;:)]}%…');
const opening = new Set('([{$#');
const joining = new Set("'’-–/_");

/** English spacing: none before closing signs, after opening ones, and around hyphens and apostrophes. */
function needsSpace(before: string | undefined, word: string): boolean {
  if (before === undefined || closing.has(word) || opening.has(before)) return false;
  return !joining.has(word) && !joining.has(before);
}

export class WordTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly ids: SpecialIds;
  private readonly idOf: ReadonlyMap<string, number>;
  private readonly specials: SpecialTokens;
  private readonly specialIds: ReadonlySet<number>;

  /** `file` is named in errors. Throws ModelError when a special token is missing or a word is there twice. */
  constructor(
    readonly tokens: readonly string[],
    file = 'vocab.json',
  ) {
    this.vocabSize = tokens.length;
    this.idOf = new Map(tokens.map((token, id) => [token, id]));
    if (this.idOf.size !== tokens.length)
      throw new ModelError(file, `${tokens.length - this.idOf.size} of its words are there twice`);
    this.ids = specialIds(
      (token) => this.idOf.get(token),
      (token) => new ModelError(file, `the vocabulary lacks ${token}`),
    );
    const present = wordSpecials.filter((name) => this.idOf.has(name));
    const special = new Map(present.map((name) => [name, this.idOf.get(name)!]));
    this.specials = new SpecialTokens(special);
    this.specialIds = new Set(special.values());
  }

  unknownWords(text: string): string[] {
    const words = this.specials
      .split(text)
      .flatMap((part) => (typeof part === 'number' ? [] : splitWords(part)));
    return [...new Set(words)].filter((word) => !this.idOf.has(word));
  }

  encode(text: string, options: {readonly bos?: boolean} = {}): number[] {
    const out: number[] = options.bos === false ? [] : [this.ids.bos];
    for (const part of this.specials.split(text)) {
      if (typeof part === 'number') out.push(part);
      else for (const word of splitWords(part)) out.push(this.idOf.get(word) ?? this.ids.unk);
    }
    return out;
  }

  decode(ids: readonly number[], options: {readonly skipSpecial?: boolean} = {}): string {
    const decoder = this.makeDecoder(options.skipSpecial ?? false);
    return ids.map((id) => decoder.push(id)).join('');
  }

  decoder(): TokenDecoder {
    return this.makeDecoder(true);
  }

  private makeDecoder(skipSpecial: boolean): TokenDecoder {
    let before: string | undefined;
    return {
      push: (id) => {
        const word = this.tokens[id];
        if (word === undefined)
          throw new Error(`decode: expected ids from 0 to ${this.vocabSize - 1}, got ${id}`);
        if (skipSpecial && this.specialIds.has(id)) return '';
        const text = needsSpace(before, word) ? ` ${word}` : word;
        before = word;
        return text;
      },
      flush: () => '',
    };
  }
}
