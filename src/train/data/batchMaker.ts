// The batches of a run by their step: a function of the seed and the step, on any number of ranks.
import type {Dataset} from '../../data/dataset.js';
import {drawnPixels, processImage, type SquareFit} from '../../data/preprocess.js';
import {EmuError} from '../../errors.js';
import {loadTokenizer, type Tokenizer} from '../../text/tokenizer.js';
import {WordTokenizer} from '../../text/wordTokenizer.js';
import {type Batch, makeBatch} from './batch.js';
import {Mixture} from './mixture.js';
import {openDataset} from './openDataset.js';
import {seedFor} from './seeds.js';
import {ShortTexts} from './shortTexts.js';
import {SourceStream} from './source.js';
import type {DataSpec} from './spec.js';
import {type TokenizedSample, type TokenizeOptions, tokenizeSample} from './tokenize.js';

/** Everything that batches depend on; plain values, so that a worker can be told. */
export interface BatchOptions extends TokenizeOptions {
  readonly data: DataSpec;
  readonly seed: number;
  /** B: rows of a step, all ranks together. */
  readonly batch: number;
  /** This process among `ranks`. Default: 0 of 1. */
  readonly rank?: number;
  readonly ranks?: number;
  /** Side of a picture. */
  readonly imageSize: number;
  /** The pictures that the image decoder learns to draw, where it is trained. */
  readonly target?: {readonly size: number; readonly fit: SquareFit} | undefined;
  /** Samples with longer texts, in characters, are replaced by others. */
  readonly maxTextLength?: number | undefined;
  /** A model's words, or a vocabulary as `loadTokenizer` finds it. */
  readonly tokenizer:
    | {readonly words: readonly string[]}
    | {readonly path?: string; readonly mode: 'pretrain' | 'instruct'};
}

/** This rank's part of a step. */
export interface StepBatch {
  readonly step: number;
  readonly batch: Batch;
  /** Samples that were tried for it, the bad ones included. */
  readonly numTried: number;
  /** One line for each bad one. */
  readonly bad: readonly string[];
}

// Pictures are decoded in threads of their own, videos in processes: a few rows at a time keep both busy.
const ROWS_AT_ONCE = 8;

export class BatchMaker {
  private readonly streams: readonly SourceStream[];
  private readonly mixture: Mixture;

  constructor(
    private readonly options: BatchOptions,
    private readonly datasets: readonly Dataset[],
    private readonly tokenizer: Tokenizer,
  ) {
    const {data, seed, labels} = options;
    this.streams = datasets.map((dataset, i) => new SourceStream(dataset, seed, i));
    this.mixture = new Mixture(
      data.sources.map(({weight}) => weight),
      seedFor(seed, 'mixture'),
    );
    if (labels === 'answers' && tokenizer.ids.assistant === undefined)
      throw new EmuError(
        'data: the vocabulary has no [ASSISTANT] token, which answers begin with',
        {
          code: 'bad_recipe',
        },
      );
    this.checkSizes();
  }

  /** @throws EmuError in one line when a source cannot be opened or the sizes do not fit */
  static async open(options: BatchOptions): Promise<BatchMaker> {
    const {data, seed, imageSize, target, maxTextLength} = options;
    const tokenizer =
      'words' in options.tokenizer
        ? new WordTokenizer(options.tokenizer.words)
        : loadTokenizer(options.tokenizer);
    const datasets: Dataset[] = [];
    try {
      for (const [i, spec] of data.sources.entries()) {
        const dataset = await openDataset(spec, {
          imageSize,
          targetSize: target?.size,
          prepare: (picture) => ({
            pixels: processImage(picture, imageSize),
            ...(target ? {target: drawnPixels(picture, target.size, target.fit)} : {}),
          }),
          seed: seedFor(seed, 'plugin', i),
        });
        datasets.push(
          maxTextLength === undefined ? dataset : new ShortTexts(dataset, maxTextLength),
        );
      }
      return new BatchMaker(options, datasets, tokenizer);
    } catch (error) {
      for (const dataset of datasets) dataset.close();
      throw error;
    }
  }

  /** The sources as they were opened. */
  get sources(): {name: string; size: number}[] {
    return this.datasets.map(({name, size}) => ({name, size}));
  }

  /** This rank's rows of step `step`, counted from 0. */
  async step(step: number): Promise<StepBatch> {
    const {data, rank = 0, ranks = 1, imageSize, target} = this.options;
    const {source, number, rows} = this.rowsOf(step);
    const first = Math.floor((rank * rows) / ranks);
    const end = Math.floor(((rank + 1) * rows) / ranks);
    const made = await mapSome(end - first, ROWS_AT_ONCE, (i) =>
      this.row(number * rows + first + i, source),
    );
    const samples = made.map((row) => row.samples);
    const batch = makeBatch(samples, this.tokenizer, {
      imageSize,
      targetSize: target?.size,
      isPacked: data.pack > 1,
      firstRow: first,
    });
    const numTried = made.reduce((sum, row) => sum + row.numTried, 0);
    return {step, batch, numTried, bad: made.flatMap(({bad}) => bad)};
  }

  close(): void {
    for (const dataset of this.datasets) dataset.close();
  }

  /**
   * The rows of a step: from all sources, the step's number counting; or from the one that the step
   * falls to, its own steps counting.
   */
  private rowsOf(step: number): {source: number | undefined; number: number; rows: number} {
    const {data, batch} = this.options;
    if (data.mix === 'perSample') return {source: undefined, number: step, rows: batch};
    const {source, number} = this.mixture.draw(step);
    return {source, number, rows: data.sources[source]!.batch ?? batch};
  }

  /** Row `row` of the run owns `pack` draws and takes of them, in order, what fits into the context. */
  private async row(row: number, source: number | undefined) {
    const {data, contextLength} = this.options;
    const samples: TokenizedSample[] = [];
    const bad: string[] = [];
    let numTried = 0;
    let length = 0;
    for (let place = 0; place < data.pack; place++) {
      const i = row * data.pack + place;
      const draw = source === undefined ? this.mixture.draw(i) : {source, number: i};
      const drawn = await this.streams[draw.source]!.draw(draw.number, (sample) =>
        tokenizeSample(sample, this.tokenizer, this.options),
      );
      bad.push(...drawn.bad);
      numTried += drawn.bad.length + 1;
      length += drawn.value.ids.length;
      if (length > contextLength) break;
      samples.push(drawn.value);
    }
    return {samples, bad, numTried};
  }

  private checkSizes(): void {
    const {data, batch, ranks = 1, contextLength, numImageTokens} = this.options;
    const shortest = 1 + numImageTokens + 2; // BOS and one picture
    if (contextLength < shortest)
      throw new EmuError(
        `data: a context of ${contextLength} tokens does not hold one picture (${shortest})`,
        {code: 'bad_recipe'},
      );
    const smallest = Math.min(...data.sources.map((source) => source.batch ?? batch));
    if (smallest < ranks)
      throw new EmuError(`data: a batch of ${smallest} rows cannot be cut into ${ranks} parts`, {
        code: 'bad_recipe',
      });
  }
}

/** `make` of 0 .. count-1 in order, `atOnce` of them under way at any time. */
async function mapSome<T>(
  count: number,
  atOnce: number,
  make: (i: number) => Promise<T>,
): Promise<T[]> {
  const results = new Array<T>(count);
  let next = 0;
  const work = async () => {
    while (next < count) {
      const i = next++;
      results[i] = await make(i);
    }
  };
  await Promise.all(Array.from({length: Math.min(atOnce, count)}, work));
  return results;
}
