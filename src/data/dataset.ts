// What training reads: samples of text and pictures, by number. A sample depends on its number and on
// the random stream it is given, nothing else: so a run resumes exactly, on any number of machines.
import type {Random} from '../random.js';
import type {Picture} from './picture.js';

/** A picture as training reads it. */
export interface PreparedPicture {
  /** What the vision encoder sees: normalized [3, size, size]. */
  readonly pixels: Float32Array;
  /** What the image decoder learns to draw, where it is trained: in [-1, 1], [3, size, size] of its own size. */
  readonly target?: Float32Array;
}

export type SamplePart =
  | {readonly type: 'text'; readonly text: string}
  | ({readonly type: 'picture'} & PreparedPicture);

/**
 * Text and pictures in the order in which the model reads them. BOS is added by the batch; an end
 * token is part of the text, `</s>`, where the document has one.
 */
export interface Sample {
  /** Names the sample to a person: its file and place in it. */
  readonly name: string;
  readonly parts: readonly SamplePart[];
  /** What the picture shows, for a classifier's warm-up. */
  readonly label?: number;
  /** The sample ends after so many tokens, where the model's context is longer. */
  readonly maxTokens?: number;
}

/** A decoded picture as the models want it. */
export type PreparePicture = (picture: Picture) => PreparedPicture;

export interface Dataset {
  /** How a person finds it: the path or the kind of it. */
  readonly name: string;
  /** Samples of one epoch; Infinity where they are composed on the fly. */
  readonly size: number;
  /**
   * Sample `index`, 0 <= index < size. `random` decides what is drawn anew each time: frames of a
   * video, the side on which a text stands, an augmentation.
   * @throws InputError that names the sample when it cannot be used
   */
  read(index: number, random: Random): Promise<Sample>;
  /**
   * All that sample `index` may say, without its pictures, for a vocabulary of its words. Absent: the
   * data set cannot tell.
   * @throws InputError as `read` does
   */
  text?(index: number): Promise<string>;
  close(): void;
}

// Spellings of special tokens in foreign text would become the tokens themselves.
const specialSpellings = /<\/?s>|<unk>|<image>|\[\/?(?:IMG|PAD|USER|ASSISTANT)\]/g;

/** Foreign text without what the tokenizer would take for its special tokens. */
export function plainText(text: string): string {
  return text.replace(specialSpellings, ' ');
}
