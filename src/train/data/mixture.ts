// Which data set each draw of a run comes from: a function of the draw's number, so that a run goes on from
// anywhere. In every block of 1024 draws each data set gets its share, rounded so that none is ever off by
// more than a draw or two; the order within the block is shuffled.
import {EmuError} from '../../errors.js';
import {Random} from '../../random.js';

const BLOCK = 1024;
const KEPT_BLOCKS = 4;

/** The `number`-th draw of data set `source`, both from 0. */
export interface Draw {
  readonly source: number;
  readonly number: number;
}

interface Block {
  readonly sources: Uint16Array;
  readonly numbers: Float64Array;
}

export class Mixture {
  /** Of what is left after the sources before it, the share that each one takes. */
  private readonly shares: readonly number[];
  private readonly blocks = new Map<number, Block>();

  constructor(
    weights: readonly number[],
    private readonly seed: number,
  ) {
    let left = weights.reduce((sum, weight) => sum + weight, 0);
    if (!(left > 0))
      throw new EmuError('data: no source has a weight above 0', {code: 'bad_recipe'});
    this.shares = weights.map((weight, i) => {
      const share = i === weights.length - 1 || left <= 0 ? 1 : weight / left;
      left -= weight;
      return Math.min(1, share);
    });
  }

  /** Draw `i` of the run. */
  draw(i: number): Draw {
    const number = Math.floor(i / BLOCK);
    const block = this.blocks.get(number) ?? this.makeBlock(number);
    const place = i % BLOCK;
    return {source: block.sources[place]!, number: block.numbers[place]!};
  }

  /**
   * How many of the first `draws` draws each source has. Rounded one source after the other: so every
   * count grows with `draws` and together they are `draws`.
   */
  counts(draws: number): number[] {
    let left = draws;
    return this.shares.map((share, i) => {
      const count = i === this.shares.length - 1 ? left : Math.round(left * share);
      left -= count;
      return count;
    });
  }

  private makeBlock(number: number): Block {
    const before = this.counts(number * BLOCK);
    const after = this.counts((number + 1) * BLOCK);
    const sources = new Uint16Array(BLOCK);
    let filled = 0;
    for (const [source, count] of after.entries()) {
      const end = filled + count - before[source]!;
      sources.fill(source, filled, end);
      filled = end;
    }
    const random = new Random(this.seed, number);
    for (let i = BLOCK - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [sources[i], sources[j]] = [sources[j]!, sources[i]!];
    }
    const numbers = Float64Array.from(sources, (source) => before[source]!++);
    const block = {sources, numbers};
    if (this.blocks.size >= KEPT_BLOCKS) this.blocks.delete(this.blocks.keys().next().value!);
    this.blocks.set(number, block);
    return block;
  }
}
