// Rows of tokenized samples as one batch: padded on the right, pictures in the order of their places.
// B rows, T tokens of the longest row, I pictures, S side of a picture.
import type {Tokenizer} from '../../text/tokenizer.js';
import {countPredictions, IGNORE} from './labels.js';
import type {TokenizedSample} from './tokenize.js';

export interface Batch {
  /** [B, T], filled up with [PAD]. */
  readonly ids: readonly (readonly number[])[];
  /** [B, T]: the id where a token is learned as text, else -100. */
  readonly labels: readonly (readonly number[])[];
  /** Real tokens of each row. */
  readonly lengths: readonly number[];
  /** [I, 3, S, S], in row-major order of their places in `ids`. */
  readonly pixels: Float32Array;
  /** I */
  readonly count: number;
  /** S */
  readonly size: number;
  /** [I, 3, D, D] in [-1, 1]: the same pictures as the image decoder learns to draw them, where it is trained. */
  readonly targets?: Float32Array;
  /** Number of the first row among those of the step. */
  readonly firstRow: number;
  /** The samples of each row. */
  readonly names: readonly (readonly string[])[];
  /** What every sample shows, in order; absent unless all of them say it. */
  readonly classes?: readonly number[];
  /** Where rows hold several documents, which must not see each other. */
  readonly packed?: {
    /** [B, T]: number of the document in its row, -1 at [PAD]. */
    readonly segments: readonly (readonly number[])[];
    /** [B, T]: counted from each document's start, 0 at [PAD]. */
    readonly positions: readonly (readonly number[])[];
  };
  /** Tokens that the cross-entropy is a mean over: labels that have a token before them. */
  readonly numLabels: number;
  /** Pairs that the regression is a mean over: at [IMG] and every <image> the next embedding. */
  readonly numPairs: number;
}

export interface BatchShape {
  /** S */
  readonly imageSize: number;
  /** D, where there are targets. */
  readonly targetSize?: number | undefined;
  readonly firstRow?: number;
  /** Rows hold several samples. */
  readonly isPacked: boolean;
}

/** Each row: one sample, or more where samples are packed. */
export function makeBatch(
  rows: readonly (readonly TokenizedSample[])[],
  tokenizer: Tokenizer,
  {imageSize, targetSize, firstRow = 0, isPacked}: BatchShape,
): Batch {
  const {pad} = tokenizer.ids;
  const samples = rows.flat();
  const lengths = rows.map((row) => row.reduce((sum, {ids}) => sum + ids.length, 0));
  const longest = Math.max(0, ...lengths);
  const padded = (
    value: (sample: TokenizedSample, at: number) => readonly number[],
    fill: number,
  ) =>
    rows.map((row, b) => [
      ...row.flatMap(value),
      ...new Array<number>(longest - lengths[b]!).fill(fill),
    ]);
  const ids = padded((sample) => sample.ids, pad);
  // A document's first token follows from nothing: not from the document before it either.
  const labels = padded(
    ({labels: own}, at) => (at === 0 ? own : [IGNORE, ...own.slice(1)]),
    IGNORE,
  );
  const counts = countPredictions({ids, labels}, tokenizer.ids);
  const pictures = samples.flatMap(({pixels}) => pixels);
  const classes = samples.flatMap(({label}) => (label === undefined ? [] : [label]));
  return {
    ids,
    labels,
    lengths,
    pixels: joinPictures(pictures, imageSize),
    count: pictures.length,
    size: imageSize,
    ...(targetSize === undefined
      ? {}
      : {
          targets: joinPictures(
            samples.flatMap(({targets}) => targets),
            targetSize,
          ),
        }),
    firstRow,
    names: rows.map((row) => row.map(({name}) => name)),
    ...(classes.length > 0 && classes.length === samples.length ? {classes} : {}),
    ...(isPacked && {
      packed: {
        segments: padded((sample, at) => sample.ids.map(() => at), -1),
        positions: padded((sample) => sample.ids.map((_, t) => t), 0),
      },
    }),
    numLabels: counts.text,
    numPairs: counts.regression,
  };
}

function joinPictures(pictures: readonly Float32Array[], imageSize: number): Float32Array {
  const values = 3 * imageSize * imageSize;
  const pixels = new Float32Array(pictures.length * values);
  for (const [i, picture] of pictures.entries()) {
    if (picture.length !== values)
      throw new Error(`data: expected a picture of ${values} values, got ${picture.length}`);
    pixels.set(picture, i * values);
  }
  return pixels;
}
