// One source's stream of draws: which sample each is, and what stands in where a sample cannot be read.
import type {Dataset, Sample} from '../../data/dataset.js';
import {EmuError} from '../../errors.js';
import {Random} from '../../random.js';
import {Permutation} from './permutation.js';
import {seedFor} from './seeds.js';

/** Attempts at one draw; when all fail nothing in the source is likely to be readable. */
const MAX_ATTEMPTS = 100;

export interface Drawn<T> {
  readonly value: T;
  /** One line for each sample that could not be used before this one. */
  readonly bad: readonly string[];
}

/** True for what is a sample's fault, not the program's or the machine's. */
function isBadSample(error: unknown): error is EmuError {
  return error instanceof EmuError && /^(bad_input|access_refused)$/.test(error.code);
}

export class SourceStream {
  private readonly seeds: Readonly<Record<'order' | 'sample' | 'replacement', number>>;
  private epoch: {readonly number: number; readonly order: Permutation} | undefined;

  /** `position`: of the source among the run's sources. */
  constructor(
    readonly dataset: Dataset,
    seed: number,
    position: number,
  ) {
    this.seeds = {
      order: seedFor(seed, 'order', position),
      sample: seedFor(seed, 'sample', position),
      replacement: seedFor(seed, 'replacement', position),
    };
  }

  /**
   * Draw `number` of this source, passed through `use`. A sample that cannot be read or used is replaced
   * by another, the same one whoever asks.
   * @throws EmuError `bad_data` when no sample can be used
   */
  async draw<T>(number: number, use: (sample: Sample) => T): Promise<Drawn<T>> {
    const bad: string[] = [];
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const stream = number * MAX_ATTEMPTS + attempt;
      const index = attempt === 0 ? this.indexOf(number) : this.replacement(number, stream);
      try {
        const sample = await this.dataset.read(index, new Random(this.seeds.sample, stream));
        return {value: use(sample), bad};
      } catch (error) {
        if (!isBadSample(error)) throw error;
        bad.push(error.message);
      }
    }
    throw new EmuError(
      `${this.dataset.name}: ${MAX_ATTEMPTS} samples in a row could not be used, the last: ${bad.at(-1)}`,
      {code: 'bad_data', file: this.dataset.name},
    );
  }

  /** Every epoch reads all samples in an order of its own; what has no end is read straight on. */
  private indexOf(number: number): number {
    const {size} = this.dataset;
    if (size === Number.POSITIVE_INFINITY) return number;
    const epoch = Math.floor(number / size);
    if (this.epoch?.number !== epoch)
      this.epoch = {number: epoch, order: new Permutation(size, this.seeds.order, epoch)};
    return this.epoch.order.at(number % size);
  }

  private replacement(number: number, stream: number): number {
    const {size} = this.dataset;
    if (size === Number.POSITIVE_INFINITY) return number;
    return new Random(this.seeds.replacement, stream).below(size);
  }
}
