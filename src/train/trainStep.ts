// One optimizer step of any stage: losses and gradients of a batch, clipped, into the parameters.
import {performance} from 'node:perf_hooks';
import tf from '#tfjs';
import type {AdamW} from './adamw.js';
import type {Batch} from './data/batch.js';
import {clipFactor, globalNorm, gradientsOf} from './gradients.js';
import type {Communicator} from './mpi/communicator.js';
import {sumGradients} from './mpi/sumGradients.js';
import {isMatrix, isStatistic} from './parameters.js';
import type {RunFields} from './recipe/fields.js';
import type {Phase, Stage} from './stage.js';

/** What a phase may change: by a learning rate of its own, and not frozen by name. */
export function learningIn<P extends Phase>(stage: Stage<P>, phase: P): Map<string, tf.Variable> {
  const frozen = phase.freeze.map((pattern) => new RegExp(pattern));
  return new Map(
    [...stage.parameters].filter(
      ([name]) =>
        stage.rate(name, phase) && !isStatistic(name) && !frozen.some((f) => f.test(name)),
    ),
  );
}

export interface StepOptions<P extends Phase> {
  readonly stage: Stage<P>;
  readonly phase: P;
  readonly learning: ReadonlyMap<string, tf.Variable>;
  readonly optimizer: AdamW;
  readonly settings: RunFields['optimizer'];
  readonly ranks: Communicator;
  /** Blocks compute their activations again for the gradients instead of keeping them. */
  readonly recomputes: boolean;
}

export interface StepResult {
  /** The loss and what it is made of, of all ranks' batches. */
  readonly losses: Readonly<Record<string, number>>;
  /** Before it is clipped. */
  readonly gradientNorm: number;
  /** Of the optimizer's part of the step, the norm included. */
  readonly optimizerSeconds: number;
}

/**
 * Step `step` of the run (from 0) on a batch. `totals` are the predictions of all ranks' batches, `factor`
 * is the share of the peak learning rates.
 */
export function trainStep<P extends Phase>(
  {stage, phase, learning, optimizer, settings, ranks, recomputes}: StepOptions<P>,
  batch: Batch,
  totals: readonly number[],
  step: number,
  factor: number,
): StepResult {
  return tf.tidy(() => {
    const parts = stage.parts(batch, phase, totals, step);
    const own = gradientsOf(parts, learning, {recomputes});
    const grads = sumGradients(ranks, own.grads, learning);
    const losses = sumLosses(ranks, own.losses);
    const began = performance.now();
    const gradientNorm = globalNorm(grads);
    optimizer.step(
      learning,
      grads,
      (name) => factor * stage.rate(name, phase)!,
      (name) => settings.decay === 'all' || isMatrix(name, learning.get(name)!),
      clipFactor(gradientNorm, settings.clipNorm),
    );
    const optimizerSeconds = (performance.now() - began) / 1000;
    return {losses, gradientNorm, optimizerSeconds} as never;
  });
}

/** A rank's losses are its share of the batch's. */
function sumLosses(
  ranks: Communicator,
  losses: Readonly<Record<string, number>>,
): Record<string, number> {
  const names = Object.keys(losses).sort();
  const sums = ranks.sumNumbers(names.map((name) => losses[name]!));
  return Object.fromEntries(names.map((name, i) => [name, sums[i]!]));
}
