// How fast a recipe's data comes, and whether a training step would wait for it.
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {performance} from 'node:perf_hooks';
import {setTimeout as sleep} from 'node:timers/promises';
import {parse} from 'yaml';
import {fileProblem} from '../../data/source.js';
import {InputError} from '../../errors.js';
import {DataLoader, type LoaderOptions} from './loader.js';
import {type DataSpec, dataSpec, withFullPaths} from './spec.js';

export interface BenchLoadingOptions extends LoaderOptions {
  /** Steps measured, once without a consumer and once with one. */
  readonly measuredSteps: number;
  /** Milliseconds that a consumer takes for a step. It sleeps: a step on another device. */
  readonly stepMs: number;
}

export interface BenchLoadingResult {
  readonly sources: readonly {readonly name: string; readonly size: number}[];
  readonly workers: number;
  readonly batch: number;
  /** Seconds until the sources were open. */
  readonly open: number;
  /** Seconds from there to the first batch. */
  readonly firstBatch: number;
  /** Of the loader alone, as fast as it can. */
  readonly samplesPerSecond: number;
  readonly picturesPerSecond: number;
  readonly stepMs: number;
  /** Share of its time that the consumer waits. */
  readonly waitShare: number;
  readonly numBad: number;
}

/** The `data` part of a recipe, or a file that holds only that. @throws InputError in one line */
export function readDataSpec(file: string): DataSpec {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw fileProblem(file, error);
  }
  let tree: unknown;
  try {
    tree = parse(text);
  } catch (error) {
    throw new InputError(file, `is no YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  const found = dataSpec.safeParse((tree as {data?: unknown} | null)?.data ?? tree);
  if (found.success) return withFullPaths(found.data, path.dirname(path.resolve(file)));
  const [issue] = found.error.issues;
  throw new InputError(file, `${['data', ...issue!.path].join('.')}: ${issue!.message}`);
}

/** Measures after the first batch, so that starting costs nothing; nothing is kept. */
export async function benchLoading(options: BenchLoadingOptions): Promise<BenchLoadingResult> {
  const {measuredSteps, stepMs, batch, data} = options;
  const secondsSince = (start: number) => (performance.now() - start) / 1000;
  let start = performance.now();
  const loader = await DataLoader.open(options);
  try {
    const open = secondsSince(start);
    start = performance.now();
    await loader.next(0);
    const firstBatch = secondsSince(start);

    let step = 1;
    let samples = 0;
    let pictures = 0;
    start = performance.now();
    for (const end = step + measuredSteps; step < end; step++) {
      const {names, count} = (await loader.next(step)).batch;
      samples += names.flat().length;
      pictures += count;
    }
    const alone = secondsSince(start);

    start = performance.now();
    let waited = 0;
    for (const end = step + measuredSteps; step < end; step++) {
      await sleep(stepMs);
      waited += (await loader.next(step)).waited / 1000;
    }
    const together = secondsSince(start);
    return {
      sources: loader.sources,
      workers: data.workers,
      batch,
      open,
      firstBatch,
      samplesPerSecond: samples / alone,
      picturesPerSecond: pictures / alone,
      stepMs,
      waitShare: waited / together,
      numBad: loader.tally.numBad,
    };
  } finally {
    await loader.close();
  }
}
