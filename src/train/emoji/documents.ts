// emu-mini's pretraining documents as a data set: each a pure function of its number and its stream.
import type {Dataset, Sample} from '../../data/dataset.js';
import type {Random} from '../../random.js';
import type {Augmentation} from './compose.js';
import {type EmojiSource, isInLongBlock, weightedPick} from './source.js';
import {type DocumentKind, documentPieces, PICTURE} from './words.js';

/**
 * Captions, questions, drawing prompts and interleaved documents of single objects. Interleaved ones are
 * three times as long: `block` samples in a row are all interleaved or none.
 */
export class EmojiDocuments implements Dataset {
  readonly name = 'emoji';
  readonly size = Number.POSITIVE_INFINITY;

  constructor(
    private readonly source: EmojiSource,
    private readonly augmentation: Augmentation,
    private readonly block = 64,
  ) {}

  async read(index: number, random: Random): Promise<Sample> {
    const kind = this.kindOf(index, random);
    const count = kind === 'interleaved' ? 2 + random.below(2) : 1;
    const {pixels, labels} = this.source.pictures(count, this.augmentation, random);
    const names = labels.map((i) => this.source.concepts[i]!.label);
    const values = pixels.length / count;
    let next = 0;
    const parts = documentPieces(kind, names, random).map((piece) => {
      if (piece !== PICTURE) return {type: 'text', text: piece} as const;
      const start = values * next++;
      return {type: 'picture', pixels: pixels.subarray(start, start + values)} as const;
    });
    return {name: `${this.name} ${index}`, parts, ...(count === 1 ? {label: labels[0]!} : {})};
  }

  close(): void {}

  private kindOf(index: number, random: Random): DocumentKind {
    const {interleaved, ...single} = this.source.documents;
    const total = Object.values(single).reduce((sum, weight) => sum + weight, interleaved);
    const isLong = isInLongBlock(index, this.block, interleaved / total);
    return isLong ? 'interleaved' : weightedPick(single, random);
  }
}
