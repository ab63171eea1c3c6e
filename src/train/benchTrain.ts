// How fast a recipe's phase trains on this machine: its own steps, on batches that its data gives.
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {performance} from 'node:perf_hooks';
import {setImmediate} from 'node:timers/promises';
import {InputError} from '../errors.js';
import {type Compute, computeInUse} from '../kernels/backend.js';
import {AdamW} from './adamw.js';
import type {Batch} from './data/batch.js';
import {median} from './median.js';
import {alone} from './mpi/communicator.js';
import {runStage, type StageName} from './run.js';
import type {Phase, Stage} from './stage.js';
import type {Training} from './train.js';
import {learningIn, trainStep} from './trainStep.js';

export interface BenchTrainOptions {
  readonly stage: StageName;
  readonly recipeFile: string;
  /** `--set` values. */
  readonly overrides?: readonly string[];
  /** Name of a phase; default: the first. */
  readonly phase?: string;
  readonly onNote?: (line: string) => void;
  /** Steps that are measured, after some that warm up. */
  readonly steps: number;
}

/** Before measuring: caches, pages and the loader warm up. */
const WARMUP_STEPS = 3;

/** Seconds are medians over the steps. */
export interface BenchTrainResult {
  readonly phase: string;
  readonly compute: Compute;
  /** Rows of a step, and of the last of them its tokens and pictures. */
  readonly batch: number;
  readonly tokens: number;
  readonly pictures: number;
  /** Millions of numbers that the phase changes. */
  readonly learningMillions: number;
  readonly rowsPerSecond: number;
  readonly stepSeconds: number;
  /** Parts of a step: waiting for its batch, forward and backward, norm of the gradients and optimizer. */
  readonly waitSeconds: number;
  readonly gradientSeconds: number;
  readonly optimizerSeconds: number;
  /** Of the last step. */
  readonly loss: number;
  readonly steps: number;
}

/**
 * Opens the phase of a recipe as `emu train` would, and hands it over with a way to take steps; nothing is
 * kept of what they change.
 */
export async function withPhase<T>(
  options: Omit<BenchTrainOptions, 'steps'>,
  use: (bench: PhaseBench) => Promise<T>,
): Promise<T> {
  const {stage: stageName, recipeFile, overrides = [], phase: wanted, onNote = () => {}} = options;
  const out = mkdtempSync(path.join(tmpdir(), 'emu-bench-'));
  try {
    let result: {readonly value: T} | undefined;
    await runStage(stageName, {
      recipeFile,
      overrides,
      onNote,
      out: path.join(out, 'run'),
      async use(training) {
        result = {value: await use(openPhase(training, recipeFile, wanted))};
      },
    });
    return result!.value;
  } finally {
    rmSync(out, {recursive: true, force: true});
  }
}

export interface TakenStep {
  readonly seconds: number;
  readonly waitSeconds: number;
  readonly optimizerSeconds: number;
  readonly loss: number;
}

export interface PhaseBench {
  readonly stage: Stage;
  readonly phase: Phase;
  /** Numbers that the phase changes. */
  readonly learningSize: number;
  /** The batch of a step of the phase, from 0. */
  batch(step: number): Promise<Batch>;
  /** One step of the optimizer on a batch. */
  take(batch: Batch, step: number): Omit<TakenStep, 'waitSeconds'>;
}

function openPhase<P extends Phase>(
  {recipe, stage, batches}: Training<P>,
  recipeFile: string,
  wanted: string | undefined,
): PhaseBench {
  const {phases, optimizer: settings, gradientCheckpointing: recomputes} = recipe;
  const index = wanted === undefined ? 0 : phases.findIndex(({name}) => name === wanted);
  const phase = phases[index];
  if (!phase)
    throw new InputError(
      recipeFile,
      `has no phase ${wanted}`,
      `its phases: ${phases.map(({name}) => name).join(', ')}`,
    );
  const first = phases.slice(0, index).reduce((sum, {steps}) => sum + steps, 0);
  const learning = learningIn(stage, phase);
  const optimizer = new AdamW(settings);
  const options = {stage, phase, learning, settings, ranks: alone, optimizer, recomputes};
  return {
    stage: stage as unknown as Stage,
    phase,
    learningSize: [...learning.values()].reduce((sum, {size}) => sum + size, 0),
    // Steps after the last are the phase's again: a bench may be longer than a phase.
    batch: async (step) => (await batches.next(first + (step % phase.steps))).batch,
    take(batch, step) {
      const began = performance.now();
      const totals = stage.counts(batch, phase);
      const {losses, optimizerSeconds} = trainStep(options, batch, totals, first + step, 1);
      const seconds = (performance.now() - began) / 1000;
      return {seconds, optimizerSeconds, loss: losses.loss!};
    },
  };
}

/** Measures a phase's steps with their data's loader beside them, as in training. */
export async function benchTrain(
  options: BenchTrainOptions,
  onProgress: (fraction: number) => void,
): Promise<BenchTrainResult> {
  const {steps} = options;
  return withPhase(options, async (bench) => {
    const taken: TakenStep[] = [];
    let batch!: Batch;
    for (let step = 0; step < WARMUP_STEPS + steps; step++) {
      const began = performance.now();
      batch = await bench.batch(step);
      const waitSeconds = (performance.now() - began) / 1000;
      const result = bench.take(batch, step);
      if (step >= WARMUP_STEPS)
        taken.push({...result, seconds: waitSeconds + result.seconds, waitSeconds});
      onProgress((step + 1) / (WARMUP_STEPS + steps));
      await setImmediate(); // lets the loader's messages through
    }
    const middle = (of: (step: TakenStep) => number) => median(taken.map(of));
    const stepSeconds = middle(({seconds}) => seconds);
    return {
      phase: bench.phase.name,
      compute: computeInUse(),
      batch: bench.phase.batch,
      tokens: batch.lengths.reduce((sum, length) => sum + length, 0),
      pictures: batch.count,
      learningMillions: bench.learningSize / 1e6,
      rowsPerSecond: bench.phase.batch / stepSeconds,
      stepSeconds,
      waitSeconds: middle((step) => step.waitSeconds),
      gradientSeconds: middle((step) => step.seconds - step.waitSeconds - step.optimizerSeconds),
      optimizerSeconds: middle((step) => step.optimizerSeconds),
      loss: taken.at(-1)!.loss,
      steps,
    };
  });
}
