// What the tests of batches share: a data set that is made up, and options small enough to read.

import type {Dataset, Sample} from '../../../src/data/dataset.js';
import {InputError} from '../../../src/errors.js';
import type {Random} from '../../../src/random.js';
import {WordTokenizer} from '../../../src/text/wordTokenizer.js';
import type {BatchOptions} from '../../../src/train/data/batchMaker.js';
import {dataSpec} from '../../../src/train/data/spec.js';

/** Special tokens, the numbers 0 to 999, and a few words. */
export const words = [
  ...['<unk>', '<s>', '</s>', '[PAD]', '[IMG]', '[/IMG]', '<image>', '[USER]', '[ASSISTANT]'],
  ...[':', '.', 'a', 'b'],
  ...Array.from({length: 1000}, (_, i) => String(i)),
];
export const tokenizer = new WordTokenizer(words);

export const IMAGE_SIZE = 2;

export interface MadeUp {
  readonly name?: string;
  readonly size?: number;
  /** Indices that cannot be read. */
  readonly isBad?: (index: number) => boolean;
  /** Words of a sample. Default: its index and a random number. */
  readonly text?: (index: number, random: Random) => string;
  readonly hasPicture?: boolean;
  readonly label?: boolean;
}

/** Samples with a picture (filled with the sample's index) before their text. */
export function madeUp(options: MadeUp = {}): Dataset {
  const {name = 'made up', size = 100, isBad = () => false, hasPicture = true} = options;
  const {text = (index, random) => `${index} ${random.below(1000)}`, label = false} = options;
  return {
    name,
    size,
    async read(index: number, random: Random): Promise<Sample> {
      if (isBad(index)) throw new InputError(`${name}, item ${index}`, 'is damaged');
      const pixels = new Float32Array(3 * IMAGE_SIZE ** 2).fill(index);
      return {
        name: `${name}, item ${index}`,
        parts: [
          ...(hasPicture ? [{type: 'picture' as const, pixels}] : []),
          {type: 'text', text: `${text(index, random)}</s>`},
        ],
        ...(label ? {label: index % 7} : {}),
      };
    },
    close() {},
  };
}

type Changes = Partial<Omit<BatchOptions, 'data'>> & {
  readonly data?: Partial<BatchOptions['data']>;
};

/** Options for that many sources of weights 1, 2, ... */
export function batchOptions(sources: number, {data, ...changes}: Changes = {}): BatchOptions {
  const spec = dataSpec.parse({
    sources: Array.from({length: sources}, (_, i) => ({
      kind: 'plugin',
      module: 'none',
      weight: i + 1,
    })),
  });
  return {
    data: {...spec, ...data},
    seed: 5,
    batch: 6,
    imageSize: IMAGE_SIZE,
    numImageTokens: 2,
    contextLength: 32,
    labels: 'text',
    tokenizer: {words},
    ...changes,
  };
}
