// From a benchmark's name and the folder of its files to its items, or to what a person must do about it.
import {existsSync} from 'node:fs';
import {EmuError, InputError} from '../errors.js';
import {closest} from '../text/closest.js';
import type {Benchmark, BenchmarkItem} from './benchmark.js';
import {benchmarks} from './benchmarks/index.js';

function wrongUsage(message: string): EmuError {
  return new EmuError(message, {code: 'usage', reason: 'usage'});
}

/** Throws, of an unknown name, the known ones. */
export function findBenchmark(name: string): Benchmark {
  const found = benchmarks.get(name);
  if (found) return found;
  const known = [...benchmarks.keys()];
  const similar = closest(name.toLowerCase().replaceAll(/[^a-z0-9]/g, ''), known);
  const hint = similar ? `did you mean ${similar}? known: ` : 'known: ';
  throw wrongUsage(`no benchmark is called ${name}; ${hint}${known.join(', ')}`);
}

/** The split that is asked for, else the official evaluation's. */
export function findSplit({name, splits}: Benchmark, split?: string): string {
  if (split === undefined) return splits[0];
  if (splits.includes(split)) return split;
  throw wrongUsage(
    `${name} has no split ${split}; it has ${splits.join(splits.length > 2 ? ', ' : ' and ')}`,
  );
}

/** The folder that is named, else the benchmark's own. */
export function findRoot(benchmark: Benchmark, split: string, data?: string): string {
  const root = data ?? benchmark.ownRoot?.(split);
  if (root !== undefined) return root;
  throw wrongUsage(
    `missing: --data, the folder of ${benchmark.name}’s files; \`emu eval download ${benchmark.name}\` says what they are`,
  );
}

/** What `read` returns; of a missing file is said how to get it. */
export function explainMissing<T>({name}: Benchmark, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InputError) || error.file === undefined || existsSync(error.file))
      throw error;
    throw new InputError(
      error.file,
      'no such file',
      `\`emu eval download ${name}\` says where it comes from`,
    );
  }
}

/** The items of a split; says of a missing file how to get it. */
export function readItems(benchmark: Benchmark, root: string, split: string): BenchmarkItem[] {
  if (!benchmark.ownRoot && !existsSync(root))
    throw new InputError(root, 'no such folder', 'name it with --data');
  const items = explainMissing(benchmark, () => benchmark.read(root, split));
  if (items.length > 0) return items;
  throw new InputError(root, `its files hold no item of ${benchmark.name} ${split}`);
}
