// emu-mini's data: pictures of single objects composed on the fly, and what is said of them.
import {readFileSync} from 'node:fs';
import {InputError} from '../../errors.js';
import {imagePlaceholder} from '../../text/prompt.js';
import type {Tokenizer} from '../../text/tokenizer.js';
import {Random} from '../../random.js';
import {besideRecipe, type Recipe} from '../recipe.js';
import {type Concept, type Drawing, loadDrawings} from './art.js';
import {type Augmentation, compose} from './compose.js';
import {type DocumentKind, documentPieces, PICTURE} from './words.js';

export interface PictureBatch {
  /** [count, 3, size, size] */
  readonly pixels: Float32Array;
  readonly count: number;
  readonly size: number;
}

export interface LabelledBatch extends PictureBatch {
  /** The concept that each picture shows. */
  readonly labels: readonly number[];
}

export interface DocumentBatch extends PictureBatch {
  /** B rows of token ids, filled up with [PAD] on the right. */
  readonly ids: readonly (readonly number[])[];
  /** Real tokens of each row. */
  readonly lengths: readonly number[];
}

export function readConcepts(recipeFile: string, name: string): Concept[] {
  const file = besideRecipe(recipeFile, name);
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Concept[];
  } catch (error) {
    throw new InputError(file, `is no list of concepts (${(error as Error).message})`);
  }
}

export class EmojiSource {
  private constructor(
    readonly concepts: readonly Concept[],
    private readonly drawings: readonly (readonly Drawing[])[],
    private readonly size: number,
    readonly documents: Readonly<Record<DocumentKind, number>>,
  ) {}

  static async open(
    recipe: Recipe,
    concepts: readonly Concept[],
    onProgress: (line: string) => void,
  ): Promise<EmojiSource> {
    const {vendors, artSize, documents} = recipe.data;
    const drawings = await loadDrawings(concepts, vendors, artSize, onProgress);
    return new EmojiSource(concepts, drawings, recipe.model.vision.imageSize, documents);
  }

  /** `count` pictures, each of a concept drawn at random, then of one of its drawings. */
  pictures(count: number, augmentation: Augmentation, random: Random): LabelledBatch {
    const values = 3 * this.size * this.size;
    const pixels = new Float32Array(count * values);
    const labels = Array.from({length: count}, (_, i) => {
      const label = random.below(this.concepts.length);
      const drawing = random.pick(this.drawings[label]!);
      compose(drawing, augmentation, random, this.size, pixels, i * values);
      return label;
    });
    return {pixels, count, size: this.size, labels};
  }

  /** `rows` documents with their pictures, tokenized; `numTokens` visual embeddings a picture. */
  documentBatch(
    rows: number,
    numTokens: number,
    augmentation: Augmentation,
    tokenizer: Tokenizer,
    random: Random,
  ): DocumentBatch {
    const kinds = this.kinds(rows, random);
    const counts = kinds.map((kind) => (kind === 'interleaved' ? 2 + random.below(2) : 1));
    const total = counts.reduce((sum, count) => sum + count, 0);
    const {pixels, labels, count, size} = this.pictures(total, augmentation, random);
    const picture = imagePlaceholder(numTokens);
    let next = 0;
    const texts = kinds.map((kind, row) => {
      const shown = labels.slice(next, next + counts[row]!).map((i) => this.concepts[i]!.label);
      next += shown.length;
      const pieces = documentPieces(kind, shown, random);
      return pieces.map((piece) => (piece === PICTURE ? picture : piece)).join('');
    });
    const tokens = texts.map((text) => tokenizer.encode(text, {bos: true}));
    const lengths = tokens.map((row) => row.length);
    const longest = Math.max(...lengths);
    const ids = tokens.map((row) => [
      ...row,
      ...new Array<number>(longest - row.length).fill(tokenizer.ids.pad),
    ]);
    return {pixels, count, size, ids, lengths};
  }

  /**
   * What the rows of a batch are. Interleaved documents are three times as long, and a batch is as
   * long as its longest row: they come in batches of their own, as often as their share of rows asks.
   */
  private kinds(rows: number, random: Random): DocumentKind[] {
    const {interleaved, ...single} = this.documents;
    const total = Object.values(single).reduce((sum, weight) => sum + weight, interleaved);
    if (random.chance(interleaved / total)) return new Array(rows).fill('interleaved');
    return Array.from({length: rows}, () => weightedPick(single, random));
  }
}

/** A key, drawn as often as its weight says. */
export function weightedPick<K extends string>(
  weights: Readonly<Record<K, number>>,
  random: Random,
): K {
  const entries = Object.entries(weights) as [K, number][];
  let place = random.uniform() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [key, weight] of entries) {
    if (place < weight) return key;
    place -= weight;
  }
  return entries.at(-1)![0];
}

/**
 * Whether sample `index` is one of the long ones, a share of all: `block` samples in a row are all long
 * or none, because a batch is as long as its longest row.
 */
export function isInLongBlock(index: number, block: number, share: number): boolean {
  return new Random(Math.floor(index / block)).chance(share); // one stream for the whole block
}
