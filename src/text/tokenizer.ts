// Text to token ids and back. Two kinds: LLaMA's SentencePiece vocabulary (sentencePiece.ts) and the
// word list of a small model (wordTokenizer.ts).
import {existsSync, readFileSync, statSync} from 'node:fs';
import path from 'node:path';
import {ModelError} from '../errors.js';
import {SentencePieceTokenizer} from './sentencePiece.js';
import type {SpecialIds} from './specialTokens.js';
import {isWordVocabulary, WordTokenizer} from './wordTokenizer.js';
import {packagedVocabulary, parseVocabulary} from './vocabulary.js';

export type {SpecialIds} from './specialTokens.js';

/** Turns ids into text one at a time, special tokens left out. */
export interface TokenDecoder {
  /** The text that is certain once `id` is known: never half a character. */
  push(id: number): string;
  /** What is still held back when no further id comes. */
  flush(): string;
}

export interface Tokenizer {
  /** Rows of the model's embedding table: special tokens included. */
  readonly vocabSize: number;
  readonly ids: SpecialIds;
  /** Words of a text for which it has no tokens, so that they are read and said as one unknown word. */
  unknownWords(text: string): string[];
  /** Token ids of a text, which may hold special tokens by name; starts with BOS unless `bos` is false. */
  encode(text: string, options?: {readonly bos?: boolean}): number[];
  /** As transformers' decode(): special tokens are kept unless `skipSpecial`. Throws on an unknown id. */
  decode(ids: readonly number[], options?: {readonly skipSpecial?: boolean}): string;
  /** The deltas of `push` and `flush` together are `decode(ids, {skipSpecial: true})`. */
  decoder(): TokenDecoder;
}

/** Names under which a folder may hold its vocabulary, the first one found is taken. */
export const tokenizerFiles = ['tokenizer.model', 'tokenizer.json', 'vocab.json'] as const;

/**
 * Opens the vocabulary in `path` (a folder or a file of any of the three kinds, told apart by
 * content); without a path LLaMA's, which comes with the program. `mode` says which tokens Emu added.
 * Throws ModelError when it is missing or broken.
 */
export function loadTokenizer(options: {
  readonly path?: string;
  readonly mode: 'pretrain' | 'instruct';
}): Tokenizer {
  const {mode} = options;
  if (options.path === undefined) return new SentencePieceTokenizer(packagedVocabulary(), mode);
  const file = vocabularyFile(options.path);
  const bytes = readFileSync(file);
  if (bytes[0] !== '{'.charCodeAt(0))
    return new SentencePieceTokenizer(parseVocabulary(bytes, file), mode);
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new ModelError(file, `not a vocabulary: ${(cause as Error).message}`);
  }
  if (isWordVocabulary(json)) return new WordTokenizer(json.tokens, file);
  return new SentencePieceTokenizer(parseVocabulary(json as object, file), mode);
}

function vocabularyFile(place: string): string {
  if (!existsSync(place)) throw new ModelError(place, 'no such file or folder');
  if (!statSync(place).isDirectory()) return place;
  const found = tokenizerFiles
    .map((name) => path.join(place, name))
    .find((file) => existsSync(file));
  if (!found)
    throw new ModelError(place, `holds no vocabulary`, `put ${tokenizerFiles.join(' or ')} there`);
  return found;
}

/**
 * Rows of ids made equally long with `padId`, and which places are real (1) or padding (0).
 * Generation pads on the left, training and image generation on the right.
 */
export function padBatch(
  rows: readonly (readonly number[])[],
  padId: number,
  side: 'left' | 'right',
): {ids: number[][]; attentionMask: number[][]} {
  const longest = Math.max(0, ...rows.map((row) => row.length));
  const filled = (row: readonly number[], value: number): number[] =>
    new Array<number>(longest - row.length).fill(value);
  const join = (row: readonly number[], padding: number[]): number[] =>
    side === 'left' ? [...padding, ...row] : [...row, ...padding];
  return {
    ids: rows.map((row) => join(row, filled(row, padId))),
    attentionMask: rows.map((row) =>
      join(
        row.map(() => 1),
        filled(row, 0),
      ),
    ),
  };
}
