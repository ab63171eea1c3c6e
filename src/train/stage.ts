import type tf from '#tfjs';
import type {Batch} from './data/batch.js';
import type {BatchPart} from './gradients.js';

/** What the loop needs to know of a phase, whatever the stage. */
export interface Phase {
  readonly name: string;
  readonly steps: number;
  readonly batch: number;
  readonly microBatch?: number | undefined;
  readonly freeze: readonly string[];
  readonly warmupSteps: number;
  readonly finalShare: number;
}

/** A row whose text the model went on with by itself. */
export interface SampleText {
  readonly prompt: string;
  readonly expected: string;
  readonly said: string;
}

/** What is trained, and how a batch becomes a loss: all that the loop (train.ts) knows of a stage. */
export interface Stage<P extends Phase = Phase> {
  /** What may be trained, by the checkpoint's names. */
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  /** Its peak learning rate in a phase; 0 or none: it keeps its value. */
  rate(name: string, phase: P): number | undefined;
  /** How many predictions of each kind a batch asks for: its losses are averages over all ranks' counts. */
  counts(batch: Batch, phase: P): readonly number[];
  /**
   * The batch in parts of `phase.microBatch` rows, their losses divided by `totals`. `step` (of the run,
   * from 0) seeds what a training step draws at random; without one the parts are for validation:
   * nothing is drawn, dropped or kept.
   */
  parts(batch: Batch, phase: P, totals: readonly number[], step?: number): readonly BatchPart[];
  /** Greedy continuations of a batch's rows, for a person to look at. */
  continueRows?(batch: Batch, maxTokens: number): Promise<SampleText[]>;
  /** Writes the model into the run's folder; `values` are the weights to save by name. */
  save(folder: string, values: ReadonlyMap<string, tf.Tensor>): void;
  dispose(): void;
}
