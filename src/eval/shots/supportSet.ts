// The examples that a benchmark's prompts may show: of another split than is asked about, one a picture.
import path from 'node:path';
import {EmuError} from '../../errors.js';
import {Random} from '../../random.js';
import type {Benchmark, BenchmarkItem, ItemId, Question} from '../benchmark.js';
import {explainMissing} from '../openBenchmark.js';

export interface Example {
  readonly id: ItemId;
  readonly file: string;
  readonly questions: readonly Question[];
  /** To each of them. */
  readonly answers: readonly string[];
}

export interface SupportOptions {
  /** The split that is asked about. */
  readonly asked: string;
  /** Where examples come from; default: the benchmark's own choice. */
  readonly split?: string;
  /** So many, drawn at random. */
  readonly pool?: number;
  readonly seed: number;
}

export interface SupportSet {
  readonly split: string;
  /** In the order of the benchmark's file. */
  readonly examples: readonly Example[];
}

function wrongUsage(message: string): EmuError {
  return new EmuError(message, {code: 'usage', reason: 'usage'});
}

/** The split that examples come from. Throws EmuError (usage) where there is none. */
function supportSplit({name, support}: Benchmark, {asked, split}: SupportOptions): string {
  const splits = (support?.splits ?? []).filter((each) => each !== asked);
  const first = splits[0];
  if (first === undefined)
    throw wrongUsage(`--shots: ${name} has no other split than ${asked} with answers for examples`);
  if (split === undefined || splits.includes(split)) return split ?? first;
  throw wrongUsage(
    split === asked
      ? `--support-split ${split}: that split is asked about; take ${splits.join(' or ')}`
      : `--support-split ${split}: ${name} has examples in ${splits.join(' and ')}`,
  );
}

/** An order of all that depends on the seed alone. */
export function shuffled<T>(list: readonly T[], seed: number): T[] {
  const random = new Random(seed);
  const all = [...list];
  for (let i = all.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}

/** Reads the examples: items with answers, of each picture the first. */
export function readSupport(
  benchmark: Benchmark,
  root: string,
  options: SupportOptions,
): SupportSet {
  const split = supportSplit(benchmark, options);
  const support = benchmark.support!;
  const items = explainMissing(benchmark, () => support.read(root, split));
  const byFile = new Map<string, Example>();
  for (const item of items) {
    const example = exampleOf(benchmark, item);
    if (example && !byFile.has(example.file)) byFile.set(example.file, example);
  }
  const all = [...byFile.values()];
  if (options.pool === undefined || options.pool >= all.length) return {split, examples: all};
  const drawn = new Set(shuffled(all, options.seed).slice(0, options.pool));
  return {split, examples: all.filter((example) => drawn.has(example))};
}

function exampleOf(benchmark: Benchmark, item: BenchmarkItem): Example | undefined {
  const answers = benchmark.support!.answers(item);
  if (!answers || item.file === undefined) return undefined;
  const {id, file} = item;
  return {id, file: path.resolve(file), questions: benchmark.questions(item), answers};
}
