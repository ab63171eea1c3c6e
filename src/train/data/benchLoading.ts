// How fast a recipe's data comes, and whether a training step would wait for it.
import {performance} from 'node:perf_hooks';
import {setTimeout as sleep} from 'node:timers/promises';
import {DataLoader, type LoaderOptions} from './loader.js';

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
