// What the recipes of all stages have in common.
import {z} from 'zod';

export const share = z.number().min(0).max(1);
export const positive = z.number().int().positive();
export const count = z.number().int().min(0);

/**
 * Which of the data's sources are read, and how often in proportion to each other. Default: all, by their
 * own weights.
 */
const sources = z.record(z.string(), z.number().positive());

/** A stretch of training with settings of its own. */
export const phaseFields = {
  name: z.string(),
  steps: positive,
  /** Rows of a step, of all ranks together. */
  batch: positive,
  /** Rows that go through the model at once; fewer take less memory, the result is the same. */
  microBatch: positive.optional(),
  sources: sources.optional(),
  /** In the place of `sources`: one after the other, each for its share of the steps. */
  curriculum: z.array(z.strictObject({share, sources})).min(1).optional(),
  /** Regular expressions: parameters of these names keep their values. */
  freeze: z.array(z.string().refine(isPattern, 'is no regular expression')).default([]),
  warmupSteps: count.default(0),
  /** The cosine ends at this share of the peak. */
  finalShare: share.default(0),
};

export const runFields = {
  seed: z.number().int().min(0),
  /** bf16: matrix products of rounded numbers where the processor gains by it; weights stay float32. */
  compute: z.enum(['f32', 'bf16']).default('f32'),
  // The paper's AdamW; the clipping is not known of Emu, 1 is the field's habit.
  optimizer: z
    .strictObject({
      beta1: share.default(0.9),
      beta2: share.default(0.98),
      eps: z.number().positive().default(1e-6),
      weightDecay: z.number().min(0).default(0.05),
      /** matrices: norms, biases and tables go without; all: every parameter decays. */
      decay: z.enum(['matrices', 'all']).default('matrices'),
      clipNorm: z.number().positive().default(1),
    })
    .prefault({}),
  /** Blocks compute their activations again in the backward pass: slower, in less memory, the same result. */
  gradientCheckpointing: z.boolean().default(false),
  /** Averaged weights, kept beside the trained ones and saved as the model; 0.999 and the like. */
  ema: share.optional(),
  /** Loss on rows that are not trained on, every so many steps. */
  validation: z
    .strictObject({
      every: positive,
      batch: positive,
      batches: positive,
      sources: sources.optional(),
    })
    .optional(),
  /** Rows whose text the model goes on with by itself, every so many steps, into samples.jsonl. */
  samples: z
    .strictObject({
      every: positive,
      rows: positive,
      maxTokens: positive.default(32),
      sources: sources.optional(),
    })
    .optional(),
  logEvery: positive.default(20),
  checkpoint: z
    .strictObject({
      minutes: z.number().positive().default(5),
      /** The newest so many are kept, and the one of the lowest validation loss. */
      keep: positive.default(2),
    })
    .prefault({}),
  save: z
    .strictObject({
      encoding: z.enum(['f32', 'f16', 'bf16']).default('f16'),
      /** Write what the official code loads as well, into official/ of the run's folder, all in `encoding`. */
      official: z.boolean().default(false),
    })
    .prefault({}),
};

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

const run = z.strictObject(runFields);

export type RunFields = z.infer<typeof run>;
