// LLaMA's vocabulary from any of the forms it is handed round in: SentencePiece's tokenizer.model,
// Hugging Face's tokenizer.json, or the copy inside the npm package llama-tokenizer-js (MIT).
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {ModelError} from '../errors.js';
import {ProtobufError, readFields} from './protobuf.js';

/** A byte-pair vocabulary with byte fallback. */
export interface Vocabulary {
  /** By id; spaces are written as U+2581. */
  readonly pieces: readonly string[];
  /** Pieces that text can become, not control, unknown or byte pieces. */
  readonly idOf: ReadonlyMap<string, number>;
  /** By id: the smaller, the earlier a pair is merged into this piece. Equal ranks: leftmost first. */
  readonly ranks: Uint32Array;
  /** By id: the value of a byte piece (`<0x0A>`), else -1. */
  readonly byteOf: Int16Array;
  /** By byte: the id of its piece. */
  readonly byteIds: readonly number[];
}

interface Piece {
  readonly text: string;
  readonly type: 'text' | 'control' | 'byte';
  /** SentencePiece: higher is merged first. */
  readonly score: number;
}

// tokenizer.model gives all runs of spaces one score below every other, so that they grow from the
// left; tokenizer.json has lost that.
const allSpaces = /^\u2581+$/;
const LAST = -1e9;
const bytePiece = /^<0x([0-9A-F]{2})>$/;

/**
 * tokenizer.model (its bytes) or tokenizer.json (parsed). `file` is named in errors.
 * Throws ModelError when it is broken or of a kind that LLaMA's is not.
 */
export function parseVocabulary(content: Buffer | object, file: string): Vocabulary {
  try {
    const pieces = Buffer.isBuffer(content) ? sentencePieces(content) : huggingFacePieces(content);
    return makeVocabulary(pieces);
  } catch (cause) {
    if (cause instanceof VocabularyProblem || cause instanceof ProtobufError)
      throw new ModelError(file, `not a LLaMA vocabulary: ${cause.message}`);
    throw cause;
  }
}

class VocabularyProblem extends Error {}

function check(condition: unknown, problem: string): asserts condition {
  if (!condition) throw new VocabularyProblem(problem);
}

function makeVocabulary(pieces: readonly Piece[]): Vocabulary {
  const idOf = new Map<string, number>();
  const byteOf = new Int16Array(pieces.length).fill(-1);
  const byteIds: number[] = [];
  for (const [id, {text, type}] of pieces.entries()) {
    if (type === 'text') idOf.set(text, id);
    if (type !== 'byte') continue;
    const byte = Number.parseInt(bytePiece.exec(text)?.[1] ?? '', 16);
    check(byte >= 0, `${text} is no byte`);
    byteOf[id] = byte;
    byteIds[byte] = id;
  }
  check(Object.keys(byteIds).length === 256, 'it lacks pieces for single bytes');
  const [unk, bos, eos] = pieces;
  check(
    unk?.text === '<unk>' && bos?.text === '<s>' && eos?.text === '</s>',
    'ids 0, 1 and 2 are not <unk>, <s> and </s>',
  );
  return {pieces: pieces.map(({text}) => text), idOf, ranks: mergeRanks(pieces), byteOf, byteIds};
}

/** By id: 0 for the best score, then 1, ...; equal scores share a rank. */
function mergeRanks(pieces: readonly Piece[]): Uint32Array {
  // Ids nearly follow the scores, which an array's sort makes use of.
  const scores = Float64Array.from(pieces, ({score}) => score);
  const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]!);
  const ranks = new Uint32Array(pieces.length);
  let rank = 0;
  let last = scores[order[0]!]!;
  for (const id of order) {
    if (scores[id] !== last) rank++;
    last = scores[id]!;
    ranks[id] = rank;
  }
  return ranks;
}

// Field numbers and enums: sentencepiece_model.proto (ModelProto, TrainerSpec, NormalizerSpec).
function sentencePieces(bytes: Buffer): Piece[] {
  const pieces: Piece[] = [];
  let modelType = 1; // unigram
  let addsDummyPrefix = true;
  let removesExtraWhitespace = true;
  let hasCharacterMap = false;
  readFields(bytes, 0, bytes.length, (part, start, length) => {
    if (part > 3) return;
    check(length >= 0, 'its parts are not messages');
    if (part === 1) {
      pieces.push(sentencePiece(bytes, start, start + length));
      return;
    }
    readFields(bytes, start, start + length, (field, value, size) => {
      if (part === 2) {
        if (field === 3) modelType = value;
        return;
      }
      if (field === 2) hasCharacterMap = size > 0;
      if (field === 3) addsDummyPrefix = value === 1;
      if (field === 4) removesExtraWhitespace = value === 1;
    });
  });
  check(pieces.length > 0, 'it holds no pieces');
  check(modelType === 2, `its kind is ${modelType}, not 2 (byte pairs)`);
  check(
    addsDummyPrefix && !removesExtraWhitespace && !hasCharacterMap,
    'it normalizes text in another way',
  );
  return pieces;
}

function sentencePiece(bytes: Buffer, start: number, end: number): Piece {
  let text = '';
  let score = 0;
  let type = 1;
  readFields(bytes, start, end, (field, value, length) => {
    if (field === 1) text = bytes.toString('utf8', value, value + length);
    if (field === 2) score = value;
    if (field === 3) type = value;
  });
  // 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte
  check(type !== 4, `user-defined piece ${text}`);
  return {text, score, type: type === 6 ? 'byte' : type === 1 || type === 5 ? 'text' : 'control'};
}

function huggingFacePieces(json: object): Piece[] {
  const {model, added_tokens: added = []} = json as {
    model?: {
      type?: string;
      byte_fallback?: boolean;
      vocab?: Record<string, number>;
      merges?: (string | [string, string])[];
    };
    added_tokens?: {content: string}[];
  };
  check(model?.type === 'BPE' && model.byte_fallback, 'no byte pairs with byte fallback');
  check(model.vocab && Array.isArray(model.merges), 'no pieces or merges');
  // A merge's place in the list stands for the score of the piece it makes: the first one counts.
  const scores = new Map<string, number>();
  for (const [i, merge] of model.merges.entries()) {
    const merged = typeof merge === 'string' ? merge.replace(' ', '') : merge.join('');
    if (!scores.has(merged)) scores.set(merged, -i);
  }
  const control = new Set(added.map(({content}) => content));
  const pieces: Piece[] = [];
  for (const [text, id] of Object.entries(model.vocab)) {
    const type = control.has(text) ? 'control' : bytePiece.test(text) ? 'byte' : 'text';
    // Characters are made by no merge: their score is never asked for.
    pieces[id] = {text, type, score: allSpaces.test(text) ? LAST : (scores.get(text) ?? LAST)};
  }
  check(Object.keys(pieces).length === pieces.length, 'its ids have gaps');
  return pieces;
}

let packaged: Vocabulary | undefined;

/** LLaMA's vocabulary as llama-tokenizer-js carries it; read once. */
export function packagedVocabulary(): Vocabulary {
  packaged ??= readPackaged();
  return packaged;
}

function readPackaged(): Vocabulary {
  // Read as text, not imported: importing builds that package's own tokenizer, which takes 0.1 s.
  const file = createRequire(import.meta.url).resolve('llama-tokenizer-js');
  const source = readFileSync(file, 'latin1');
  const opening = 'llama_vocab_base64 = "';
  const start = source.indexOf(opening) + opening.length;
  if (start < opening.length)
    throw new ModelError(file, 'holds no vocabulary', 'install the dependencies again (npm ci)');
  const base64 = source.slice(start, source.indexOf('"', start));
  const texts = Buffer.from(base64, 'base64').toString('utf8').split('\n');
  // LLaMA's scores fall with the id but for runs of spaces; ids 0 to 2 are control pieces.
  const pieces = texts.map((text, id): Piece => {
    const type = id < 3 ? 'control' : bytePiece.test(text) ? 'byte' : 'text';
    return {text, type, score: allSpaces.test(text) ? LAST : -id};
  });
  return makeVocabulary(pieces);
}
