// Batches made ahead in threads of their own, so that a training step finds its batch ready.
import path from 'node:path';
import {performance} from 'node:perf_hooks';
import {Worker} from 'node:worker_threads';
import {EmuError} from '../../errors.js';
import {fromWire} from '../../wireError.js';
import type {Batch} from './batch.js';
import type {BatchOptions, StepBatch} from './batchMaker.js';
import type {LoaderReply, LoaderRequest, SourceInfo} from './loaderProtocol.js';

export interface LoaderOptions extends BatchOptions {
  /** Steps of the run: none is made ahead from here on. Default: no end. */
  readonly steps?: number;
}

export interface LoadedStep {
  readonly batch: Batch;
  /** Milliseconds that the step was waited for. */
  readonly waited: number;
  /** One line for each sample that was skipped for it. */
  readonly bad: readonly string[];
}

/** Too few samples tell nothing of the share of bad ones. */
const JUDGED_AFTER = 100;

interface Pending {
  readonly promise: Promise<StepBatch>;
  resolve(made: StepBatch): void;
  reject(error: unknown): void;
}

/** Samples tried and bad ones among them, of the steps that were handed out. */
export interface Tally {
  readonly numTried: number;
  readonly numBad: number;
}

export class DataLoader {
  private readonly pending = new Map<number, Pending>();
  private numTried = 0;
  private numBad = 0;
  /** Why nothing comes any more. */
  private failure: Error | undefined;

  private constructor(
    private readonly options: LoaderOptions,
    private readonly workers: readonly Worker[],
    /** As they were opened, in the order of the recipe. */
    readonly sources: readonly SourceInfo[],
  ) {
    for (const worker of workers) {
      forget(worker);
      worker.on('message', (reply: LoaderReply) => this.receive(reply));
      worker.on('error', (error) => this.failAll(error));
      worker.on('exit', () => this.failAll(new Error('a loader thread ended early')));
    }
  }

  /**
   * Starts the threads and has them open the sources. Close the loader in the end: its threads keep the
   * process alive.
   * @throws EmuError in one line when a source cannot be opened
   */
  static async open(options: LoaderOptions): Promise<DataLoader> {
    const workers = Array.from({length: options.data.workers}, () => startWorker(options));
    try {
      const sources = await Promise.all(workers.map(opened));
      return new DataLoader(options, workers, sources[0]!);
    } catch (error) {
      await Promise.all(workers.map((worker) => worker.terminate()));
      throw error;
    }
  }

  get tally(): Tally {
    return {numTried: this.numTried, numBad: this.numBad};
  }

  /**
   * The batch of a step, counted from 0; the steps after it are made meanwhile. Any step may be asked
   * for: what was made for others is dropped.
   * @throws EmuError `bad_data` when more samples are bad than the recipe allows, or what stopped a thread
   */
  async next(step: number): Promise<LoadedStep> {
    if (this.failure) throw this.failure;
    const {data, steps = Number.POSITIVE_INFINITY} = this.options;
    const last = Math.min(step + data.ahead, steps - 1);
    for (const waiting of this.pending.keys())
      if (waiting < step || waiting > last) this.pending.delete(waiting);
    for (let ahead = step; ahead <= Math.max(step, last); ahead++) this.request(ahead);
    const asked = performance.now();
    const {batch, bad, numTried} = await this.pending.get(step)!.promise;
    const waited = performance.now() - asked;
    this.pending.delete(step);
    this.numTried += numTried;
    this.numBad += bad.length;
    this.judge(bad);
    return {batch, waited, bad};
  }

  /** Ends the threads at once. */
  async close(): Promise<void> {
    for (const worker of this.workers) forget(worker);
    await Promise.all(this.workers.map((worker) => worker.terminate()));
    this.failAll(new Error('the loader is closed'));
  }

  private request(step: number): void {
    if (this.pending.has(step)) return;
    let settle: Pick<Pending, 'resolve' | 'reject'>;
    const promise = new Promise<StepBatch>((resolve, reject) => {
      settle = {resolve, reject};
    });
    promise.catch(() => {}); // told when the step is asked for
    this.pending.set(step, {promise, ...settle!});
    const worker = this.workers[step % this.workers.length]!;
    worker.postMessage({step} satisfies LoaderRequest);
  }

  private receive(reply: LoaderReply): void {
    if (!('step' in reply) || reply.step === undefined) return;
    const waiting = this.pending.get(reply.step);
    if ('error' in reply) waiting?.reject(fromWire(reply.error));
    else waiting?.resolve(reply.made);
  }

  private failAll(error: Error): void {
    this.failure ??= error;
    for (const waiting of this.pending.values()) waiting.reject(error);
  }

  private judge(bad: readonly string[]): void {
    const {maxBadShare} = this.options.data;
    const share = this.numBad / this.numTried;
    if (bad.length === 0 || this.numTried < JUDGED_AFTER || share <= maxBadShare) return;
    const percent = (value: number) => `${Number((100 * value).toPrecision(2))} %`;
    throw new EmuError(
      `data: ${this.numBad} of ${this.numTried} samples could not be used (${percent(share)}, at most ${percent(maxBadShare)} may be), the last: ${bad.at(-1)}; mend the data or raise maxBadShare`,
      {code: 'bad_data'},
    );
  }
}

/** By name: without their own listeners Node's workers pass on no messages. */
function forget(worker: Worker): void {
  for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
}

function startWorker(options: LoaderOptions): Worker {
  // The same name beside this file: .js where it was compiled, .ts where the tests run the sources.
  const file = `./loaderWorker${path.extname(import.meta.url)}`;
  // Nothing that a plug-in prints may reach stdout: it carries results only.
  const worker = new Worker(new URL(file, import.meta.url), {workerData: options, stdout: true});
  worker.stdout.on('data', (chunk) => process.stderr.write(chunk));
  return worker;
}

/** Resolves once the worker has opened its sources. */
function opened(worker: Worker): Promise<readonly SourceInfo[]> {
  return new Promise((resolve, reject) => {
    worker.once('message', (reply: LoaderReply) => {
      if ('sources' in reply) resolve(reply.sources);
      else if ('error' in reply) reject(fromWire(reply.error));
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('a loader thread ended early')));
  });
}
