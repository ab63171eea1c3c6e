// LLaMA's tokenizer with the tokens that Emu adds: ids and texts of transformers 4.31's slow
// LlamaTokenizer in its legacy mode, over SentencePiece.
import {BytePairs, SPACE} from './bytePairs.js';
import {addedTokens, type SpecialIds, SpecialTokens, specialIds} from './specialTokens.js';
import type {TokenDecoder, Tokenizer} from './tokenizer.js';
import {Utf8Decoder} from './utf8Decoder.js';
import type {Vocabulary} from './vocabulary.js';

export class SentencePieceTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly ids: SpecialIds;
  private readonly bytePairs: BytePairs;
  private readonly specials: SpecialTokens;
  private readonly specialNames: ReadonlyMap<number, string>;

  constructor(
    private readonly vocabulary: Vocabulary,
    mode: 'pretrain' | 'instruct',
  ) {
    const base = vocabulary.pieces.length;
    const added = addedTokens[mode];
    this.vocabSize = base + added.length;
    const ids = new Map<string, number>([
      ['<unk>', 0],
      ['<s>', 1],
      ['</s>', 2],
      ...added.map((token, i): [string, number] => [token, base + i]),
    ]);
    this.ids = specialIds(
      (token) => ids.get(token),
      (token) => new Error(`tokenizer: ${token} is missing`),
    );
    this.specials = new SpecialTokens(ids);
    this.specialNames = new Map([...ids].map(([token, id]) => [id, token]));
    this.bytePairs = new BytePairs(vocabulary);
  }

  /** None: what is no piece is spelt in bytes. */
  unknownWords(_text: string): string[] {
    return [];
  }

  encode(text: string, options: {readonly bos?: boolean} = {}): number[] {
    const out: number[] = options.bos === false ? [] : [this.ids.bos];
    for (const part of this.specials.split(wellFormed(text))) {
      if (typeof part === 'number') out.push(part);
      else {
        // Legacy mode: each piece of text gets a dummy prefix of its own, also after a special token.
        const spaced = SPACE + part.replaceAll(' ', SPACE);
        for (const id of this.bytePairs.encode(spaced)) out.push(id);
      }
    }
    return out;
  }

  decode(ids: readonly number[], options: {readonly skipSpecial?: boolean} = {}): string {
    for (const id of ids) this.check(id);
    if (options.skipSpecial) return this.decodePieces(ids);
    // transformers joins stretches of vocabulary and the tokens Emu added with one space.
    const parts: string[] = [];
    let stretch: number[] = [];
    const endStretch = () => {
      if (stretch.length > 0) parts.push(this.decodeWithControls(stretch));
      stretch = [];
    };
    for (const id of ids) {
      if (id < this.vocabulary.pieces.length) {
        stretch.push(id);
        continue;
      }
      endStretch();
      parts.push(this.specialNames.get(id)!);
    }
    endStretch();
    return parts.join(' ');
  }

  decoder(): TokenDecoder {
    return new PieceDecoder(this.vocabulary, (id) => {
      this.check(id);
      return this.specialNames.has(id);
    });
  }

  private check(id: number): void {
    if (!(Number.isInteger(id) && id >= 0 && id < this.vocabSize))
      throw new Error(`decode: expected ids from 0 to ${this.vocabSize - 1}, got ${id}`);
  }

  /** SentencePiece's own decode of each run between `<s>`, `</s>` and `<unk>`, as LlamaTokenizer puts them together. */
  private decodeWithControls(ids: readonly number[]): string {
    let out = '';
    let run: number[] = [];
    let afterSpecial = false;
    for (const [i, id] of ids.entries()) {
      const name = this.specialNames.get(id);
      if (name === undefined) {
        run.push(id);
        afterSpecial = false;
        continue;
      }
      // The space comes before the run, not before the token: "<s> x</s>".
      if (!afterSpecial && i !== 0) out += ' ';
      out += this.decodePieces(run) + name;
      run = [];
      afterSpecial = true;
    }
    return out + this.decodePieces(run);
  }

  private decodePieces(ids: readonly number[]): string {
    const decoder = this.decoder();
    return ids.map((id) => decoder.push(id)).join('') + decoder.flush();
  }
}

/** SentencePiece's decode, one id at a time: bytes become characters, the first space is dropped. */
class PieceDecoder implements TokenDecoder {
  private readonly bytes = new Utf8Decoder();
  private hasText = false;
  private droppedSpace = false;

  constructor(
    private readonly vocabulary: Vocabulary,
    private readonly isSpecial: (id: number) => boolean,
  ) {}

  push(id: number): string {
    if (this.isSpecial(id)) return '';
    const byte = this.vocabulary.byteOf[id]!;
    if (byte >= 0) return this.certain(this.bytes.push(byte));
    const before = this.certain(this.bytes.flush());
    let piece = this.vocabulary.pieces[id]!;
    if (!this.hasText && !this.droppedSpace && piece.startsWith(SPACE)) {
      piece = piece.slice(1);
      this.droppedSpace = true;
    }
    return before + this.certain(piece.replaceAll(SPACE, ' '));
  }

  flush(): string {
    return this.certain(this.bytes.flush());
  }

  private certain(text: string): string {
    this.hasText ||= text.length > 0;
    return text;
  }
}

/** Lone surrogates, which no UTF-8 text can hold, become U+FFFD. */
function wellFormed(text: string): string {
  return /\p{Surrogate}/u.test(text) ? text.replace(/\p{Surrogate}/gu, '\ufffd') : text;
}
