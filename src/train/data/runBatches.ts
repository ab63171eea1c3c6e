// The batches of a whole run: each stretch of steps reads sources of its own, by a loader of its own.
import {EmuError} from '../../errors.js';
import type {BatchReader} from '../train.js';
import type {RecipeData} from '../recipe/data.js';
import type {Batch} from './batch.js';
import {BatchMaker, type BatchOptions} from './batchMaker.js';
import {DataLoader} from './loader.js';
import type {DataSpec} from './spec.js';

type Weights = Readonly<Record<string, number>>;

/** Steps that read the same sources. */
export interface Stretch {
  /** First step, of the run. */
  readonly from: number;
  readonly steps: number;
  readonly batch: number;
  /** Default: all, by their own weights. */
  readonly sources?: Weights | undefined;
}

interface PhaseData {
  readonly steps: number;
  readonly batch: number;
  readonly sources?: Weights | undefined;
  readonly curriculum?: readonly {readonly share: number; readonly sources: Weights}[] | undefined;
}

/** A recipe's phases as stretches; a curriculum's shares are rounded, and its last piece takes the rest. */
export function stretchesOf(phases: readonly PhaseData[]): Stretch[] {
  const stretches: Stretch[] = [];
  let from = 0;
  for (const {steps, batch, sources, curriculum} of phases) {
    const end = from + steps;
    if (!curriculum) stretches.push({from, steps, batch, sources});
    let share = 0;
    let start = from;
    for (const [i, piece] of curriculum?.entries() ?? []) {
      share += piece.share;
      const isLast = i === curriculum!.length - 1;
      const stop = isLast ? end : Math.min(end, from + Math.round(share * steps));
      if (stop > start)
        stretches.push({from: start, steps: stop - start, batch, sources: piece.sources});
      start = Math.max(start, stop);
    }
    from = end;
  }
  return stretches;
}

/** The sources that are read, with these weights; default: all, with their own. */
export function specOf({sources, ...rest}: RecipeData, weights?: Weights): DataSpec {
  const chosen =
    weights ??
    Object.fromEntries(Object.entries(sources).map(([name, {weight}]) => [name, weight]));
  const list = Object.entries(chosen).map(([name, weight]) => ({...sources[name]!, weight}));
  return {...rest, sources: list};
}

/** What all batches of a run have in common. */
export type CommonOptions = Omit<BatchOptions, 'data' | 'batch'>;

// Stretches, and what is read beside training, draw from streams of their own.
const streams = {stretch: 0, validation: 1 << 20, samples: 1 << 21};
const streamSeed = (seed: number, stream: number) => seed + stream * 2 ** 31;

/** Reads a run's batches step by step, ahead of need. */
export class RunBatches implements BatchReader {
  private open: {readonly stretch: Stretch; readonly loader: DataLoader} | undefined;
  private readonly told = new Set<string>();

  /** `onNote` is told once of each source that is opened, and of every sample that is skipped. */
  constructor(
    private readonly data: RecipeData,
    private readonly stretches: readonly Stretch[],
    private readonly common: CommonOptions,
    private readonly onNote: (line: string) => void,
  ) {
    checkRows(data, stretches, common.ranks ?? 1);
  }

  /** Seconds waited for a step's batch. */
  async next(step: number): Promise<{batch: Batch; waited: number}> {
    const {stretch, loader} = await this.loaderOf(step);
    const {batch, waited, bad} = await loader.next(step - stretch.from);
    for (const line of bad) this.onNote(`skipped: ${line}`);
    return {batch, waited: waited / 1000};
  }

  async close(): Promise<void> {
    await this.open?.loader.close();
    this.open = undefined;
  }

  private async loaderOf(step: number) {
    const number = this.stretches.findIndex(({from, steps}) => step < from + steps);
    const stretch = this.stretches[number]!;
    if (this.open?.stretch !== stretch) {
      await this.close();
      const {batch, steps, sources} = stretch;
      const seed = streamSeed(this.common.seed, streams.stretch + number);
      const data = specOf(this.data, sources);
      const loader = await DataLoader.open({...this.common, data, seed, batch, steps});
      this.open = {stretch, loader};
      for (const {name, size} of loader.sources) this.tell(name, size);
    }
    return this.open;
  }

  private tell(name: string, size: number): void {
    if (this.told.has(name)) return;
    this.told.add(name);
    const isComposed = size === Number.POSITIVE_INFINITY;
    this.onNote(`reads ${name}: ${isComposed ? 'composed on the fly' : `${size} samples`}`);
  }
}

/** Throws when a step, however late in the run, has fewer rows than there are ranks. */
function checkRows({mix, sources}: RecipeData, stretches: readonly Stretch[], ranks: number): void {
  for (const {batch, sources: chosen} of stretches) {
    const names = Object.keys(chosen ?? sources);
    const own = mix === 'perStep' ? names.map((name) => sources[name]!.batch ?? batch) : [batch];
    const rows = Math.min(...own);
    if (rows < ranks)
      throw new EmuError(
        `a batch of ${rows} rows cannot be shared by ${ranks} ranks; start at most ${rows}, or raise the recipe's batch`,
        {code: 'bad_recipe'},
      );
  }
}

/** Batches that are read once: for validation, and for samples to look at. */
export async function readBatches(
  use: 'validation' | 'samples',
  data: RecipeData,
  sources: Weights | undefined,
  batch: number,
  count: number,
  common: CommonOptions,
): Promise<Batch[]> {
  const seed = streamSeed(common.seed, streams[use]);
  const maker = await BatchMaker.open({...common, data: specOf(data, sources), seed, batch});
  try {
    const batches: Batch[] = [];
    for (let step = 0; step < count; step++) batches.push((await maker.step(step)).batch);
    return batches;
  } finally {
    maker.close();
  }
}
