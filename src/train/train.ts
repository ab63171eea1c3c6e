// The training loop of every stage: batches in, steps taken, the run's folder kept up to date.
import {performance} from 'node:perf_hooks';
import {setImmediate} from 'node:timers/promises';
import tf from '#tfjs';
import {InputError} from '../errors.js';
import {AdamW} from './adamw.js';
import type {Batch} from './data/batch.js';
import {Ema} from './ema.js';
import type {Communicator} from './mpi/communicator.js';
import {isStatistic} from './parameters.js';
import type {RunFields} from './recipe/fields.js';
import type {RunFolder, RunState} from './runFolder.js';
import {learningRateFactor} from './schedule.js';
import type {Phase, Stage} from './stage.js';
import {learningIn, trainStep} from './trainStep.js';

export interface TrainOptions {
  /** Ends with a checkpoint after so long. */
  readonly maxMinutes?: number;
  /** Ends with a checkpoint. */
  readonly signal?: AbortSignal;
  readonly onNote?: (line: string) => void;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

export interface TrainingProgress {
  readonly phase: string;
  /** Of the phase, from 1. */
  readonly step: number;
  readonly totalSteps: number;
  readonly loss: number;
  readonly samplesPerSecond: number;
  readonly tokensPerSecond: number;
  readonly secondsLeft: number;
}

/** Batches by the number of a step: of the run, of its validation, of its samples. */
export interface BatchReader {
  /** `waited`: seconds. */
  next(step: number): Promise<{readonly batch: Batch; readonly waited: number}>;
}

export interface Training<P extends Phase> {
  readonly recipe: RunFields & {readonly phases: readonly P[]};
  readonly stage: Stage<P>;
  readonly run: RunFolder;
  readonly batches: BatchReader;
  /** Read once, when they are first needed. */
  readonly validation?: readonly Batch[] | undefined;
  readonly samples?: Batch | undefined;
  readonly ranks: Communicator;
}

/** Runs the phases from where the run stands; saves at their ends, now and then, and when stopped. */
export async function train<P extends Phase>(
  training: Training<P>,
  {maxMinutes, signal, onNote = () => {}, onProgress = () => {}}: TrainOptions,
): Promise<void> {
  const {recipe, stage, run, batches, ranks} = training;
  const {optimizer: settings} = recipe;
  const optimizer = new AdamW(settings);
  const ema = recipe.ema === undefined ? undefined : new Ema(stage.parameters, recipe.ema);
  let {step, best} = restore(training, optimizer, ema);
  if (step > 0) onNote(`goes on from step ${step}`);
  const started = performance.now();
  const minutes = () => (performance.now() - started) / 60_000;
  let savedAt = 0;
  const save = () => {
    if (ranks.rank === 0) {
      const state: RunState = {step, optimizerSteps: optimizer.steps, best};
      tf.tidy(() => {
        const tensors = [...stage.parameters, ...optimizer.tensors(), ...(ema?.tensors() ?? [])];
        run.saveState(state, new Map<string, tf.Tensor>(tensors), recipe.checkpoint.keep);
      });
      stage.save(run.folder, ema?.averages ?? stage.parameters);
    }
    savedAt = minutes();
  };

  let firstStep = 0;
  for (const phase of recipe.phases) {
    const learning = learningIn(stage, phase);
    const {warmupSteps, finalShare, steps: totalSteps} = phase;
    while (step < firstStep + phase.steps) {
      const began = performance.now();
      const {batch, waited} = await batches.next(step);
      const wantsEnd = signal?.aborted || (maxMinutes !== undefined && minutes() >= maxMinutes);
      const isSaveDue = minutes() - savedAt > recipe.checkpoint.minutes;
      // One rank's clock decides for all.
      const decides = ranks.rank === 0;
      const [ends, saves, ...totals] = ranks.sumNumbers([
        decides && wantsEnd ? 1 : 0,
        decides && isSaveDue ? 1 : 0,
        ...stage.counts(batch, phase),
      ]);
      if (saves || ends) save();
      if (ends) {
        onNote(`stopped at step ${step}; go on with --resume`);
        return;
      }
      const inPhase = step - firstStep + 1;
      const factor = learningRateFactor(inPhase, {warmupSteps, totalSteps, finalShare});
      const recomputes = recipe.gradientCheckpointing;
      const options = {stage, phase, learning, optimizer, settings, ranks, recomputes};
      const {losses, gradientNorm} = trainStep(options, batch, totals, step, factor);
      const metrics: Record<string, number> = {...losses, gradientNorm, rate: factor};
      shareStatistics(training);
      ema?.update();
      step++;
      const seconds = (performance.now() - began) / 1000;
      const isLast = inPhase === totalSteps;
      if (step % recipe.logEvery === 0 || isLast) {
        if (ranks.rank === 0) run.log({phase: phase.name, step, ...metrics, waited, seconds});
        onProgress({
          phase: phase.name,
          step: inPhase,
          totalSteps,
          loss: metrics.loss!,
          samplesPerSecond: phase.batch / seconds,
          tokensPerSecond: (ranks.size * batch.lengths.reduce((sum, n) => sum + n, 0)) / seconds,
          secondsLeft: seconds * (totalSteps - inPhase),
        });
      }
      await continueSamples(training, step);
      // Last: all that a step says is written before its checkpoint.
      const validated = validate(training, phase, step, best);
      if (validated !== best) {
        best = validated;
        save();
      }
      await setImmediate(); // lets messages through
    }
    firstStep += totalSteps;
    if (step === firstStep) {
      save();
      onNote(`phase ${phase.name} done`);
    }
  }
  optimizer.dispose();
  ema?.dispose();
}

/** All ranks keep the mean of what their layers have seen: one model, whichever rank saves it. */
function shareStatistics<P extends Phase>({stage, ranks}: Training<P>): void {
  const statistics = [...stage.parameters].filter(([name]) => isStatistic(name));
  if (ranks.size === 1 || statistics.length === 0) return;
  // In float64 equal numbers have themselves as their mean, to the bit.
  const sums = Float64Array.from(statistics.flatMap(([, variable]) => [...variable.dataSync()]));
  ranks.sum(sums);
  let at = 0;
  for (const [, variable] of statistics) {
    const mean = Float32Array.from(
      sums.subarray(at, at + variable.size),
      (sum) => sum / ranks.size,
    );
    tf.tidy(() => variable.assign(tf.tensor(mean, variable.shape)));
    at += variable.size;
  }
}

/** Puts the newest checkpoint's numbers into the parameters, the optimizer and the averages. */
function restore<P extends Phase>(
  {stage, run, ranks}: Training<P>,
  optimizer: AdamW,
  ema: Ema | undefined,
): {step: number; best: RunState['best']} {
  const saved = run.loadState();
  ranks.barrier(); // all have read before one rewrites
  if (ranks.rank === 0) run.rewind(saved?.state.step ?? 0);
  if (!saved) return {step: 0, best: undefined};
  const {state, values} = saved;
  for (const [name, variable] of stage.parameters) {
    const value = values.get(name);
    if (value?.length !== variable.size)
      throw new InputError(
        run.folder,
        `its checkpoint has ${value?.length ?? 'no'} numbers for ${name}, the model ${variable.size}`,
        'the recipe or the words of its data are others than when it was started',
      );
    tf.tidy(() => variable.assign(tf.tensor(value, variable.shape)));
  }
  optimizer.restore(state.optimizerSteps, stage.parameters, values);
  ema?.restore(values);
  return {step: state.step, best: state.best};
}

/** Loss on the validation batches where a step asks for it; the phase's best so far. */
function validate<P extends Phase>(
  {recipe, stage, run, validation, ranks}: Training<P>,
  phase: P,
  step: number,
  best: RunState['best'],
): RunState['best'] {
  if (!recipe.validation || !validation || step % recipe.validation.every !== 0) return best;
  const counts = validation.map((batch) => stage.counts(batch, phase));
  const totals = ranks.sumNumbers(
    counts[0]!.map((_, i) => counts.reduce((sum, batch) => sum + batch[i]!, 0)),
  );
  let sum = 0;
  for (const batch of validation)
    for (const part of stage.parts(batch, phase, totals))
      sum += tf.tidy(() => part()().loss.dataSync()[0]!);
  const [loss] = ranks.sumNumbers([sum]) as [number];
  if (ranks.rank === 0) run.log({phase: phase.name, step, validationLoss: loss});
  // Losses of phases with other objectives or data do not compare.
  const isBest = best?.phase !== phase.name || loss < best.loss;
  return isBest ? {phase: phase.name, step, loss} : best;
}

/** Lets the model speak where a step asks for it. */
async function continueSamples<P extends Phase>(
  {recipe, stage, run, samples, ranks}: Training<P>,
  step: number,
): Promise<void> {
  if (!recipe.samples || !samples || ranks.rank > 0 || step % recipe.samples.every !== 0) return;
  run.logSamples(step, (await stage.continueRows?.(samples, recipe.samples.maxTokens)) ?? []);
}
