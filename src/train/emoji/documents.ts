// emu-mini's pretraining documents as a data set: each a pure function of its number and its stream.
import type {Dataset, Sample} from '../../data/dataset.js';
import type {Random} from '../../random.js';
import type {Concept, Drawing} from './art.js';
import {type Augmentation, compose} from './compose.js';
import {isInLongBlock, weightedPick} from './weightedPick.js';
import {type DocumentKind, documentPieces, PICTURE} from './words.js';

export interface EmojiDocumentOptions {
  readonly imageSize: number;
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
    const {imageSize, augmentation} = this.options;
    const kind = this.kindOf(index, random);
    const count = kind === 'interleaved' ? 2 + random.below(2) : 1;
    const shown = Array.from({length: count}, () => random.below(this.concepts.length));
    const names = shown.map((i) => this.concepts[i]!.label);
    let next = 0;
    const parts = documentPieces(kind, names, random).map((piece) => {
      if (piece !== PICTURE) return {type: 'text', text: piece} as const;
      const pixels = new Float32Array(3 * imageSize * imageSize);
      const drawing = random.pick(this.drawings[shown[next++]!]!);
      compose(drawing, augmentation, random, imageSize, pixels, 0);
      return {type: 'picture', pixels} as const;
    });
    return {name: `${this.name} ${index}`, parts, ...(count === 1 ? {label: shown[0]!} : {})};
  }

  close(): void {}

  private kindOf(index: number, random: Random): DocumentKind {
    const {documents, block = 64} = this.options;
    const {interleaved, ...single} = documents;
    const total = Object.values(single).reduce((sum, weight) => sum + weight, interleaved);
    const isLong = isInLongBlock(index, block, interleaved / total);
    return isLong ? 'interleaved' : weightedPick(single, random);
  }
}
