// emu-mini's pretraining documents as a data set: each a pure function of its number and its stream.
import type {Dataset, PreparedPicture, Sample} from '../../data/dataset.js';
import {drawnPixels} from '../../data/preprocess.js';
import type {Random} from '../../random.js';
import type {Concept, Drawing} from './art.js';
import {type Augmentation, compose, composePicture} from './compose.js';
import {isInLongBlock, weightedPick} from './weightedPick.js';
import {type DocumentKind, documentPieces, PICTURE} from './words.js';

export interface EmojiDocumentOptions {
  readonly imageSize: number;
  /** Side of the pictures that the image decoder learns to draw, where it is trained. */
  readonly targetSize?: number | undefined;
  readonly augmentation: Augmentation;
  /** How often each kind of document comes. */
  readonly documents: Readonly<Record<DocumentKind, number>>;
  /** So many samples in a row are all interleaved, which is three times as long, or none is. */
  readonly block?: number;
}

/** Captions, questions, drawing prompts and interleaved documents of single objects. */
export class EmojiDocuments implements Dataset {
  readonly name = 'emoji';
  readonly size = Number.POSITIVE_INFINITY;

  /** `drawings`: of each concept, all there are. */
  constructor(
    private readonly concepts: readonly Concept[],
    private readonly drawings: readonly (readonly Drawing[])[],
    private readonly options: EmojiDocumentOptions,
  ) {}

  async read(index: number, random: Random): Promise<Sample> {
    const kind = this.kindOf(index, random);
    const count = kind === 'interleaved' ? 2 + random.below(2) : 1;
    const shown = Array.from({length: count}, () => random.below(this.concepts.length));
    const names = shown.map((i) => this.concepts[i]!.label);
    let next = 0;
    const parts = documentPieces(kind, names, random).map((piece) => {
      if (piece !== PICTURE) return {type: 'text', text: piece} as const;
      const drawing = random.pick(this.drawings[shown[next++]!]!);
      return {type: 'picture', ...this.picture(drawing, random)} as const;
    });
    return {name: `${this.name} ${index}`, parts, ...(count === 1 ? {label: shown[0]!} : {})};
  }

  close(): void {}

  /** Composed for each that sees it, alike. */
  private picture(drawing: Drawing, random: Random): PreparedPicture {
    const {imageSize, targetSize, augmentation} = this.options;
    const state = random.save();
    const pixels = new Float32Array(3 * imageSize * imageSize);
    compose(drawing, augmentation, random, imageSize, pixels, 0);
    if (targetSize === undefined) return {pixels};
    random.restore(state);
    const larger = composePicture(drawing, augmentation, random, targetSize);
    return {pixels, target: drawnPixels(larger, targetSize, 'stretch')};
  }

  private kindOf(index: number, random: Random): DocumentKind {
    const {documents, block = 64} = this.options;
    const {interleaved, ...single} = documents;
    const total = Object.values(single).reduce((sum, weight) => sum + weight, interleaved);
    const isLong = isInLongBlock(index, block, interleaved / total);
    return isLong ? 'interleaved' : weightedPick(single, random);
  }
}
