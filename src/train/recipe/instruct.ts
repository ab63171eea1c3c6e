// Recipe of `emu train instruct`: LoRA on the language model's attention, loss on the answers only.
import {z} from 'zod';
import {dataFields} from './data.js';
import {phaseFields, positive, runFields, share} from './fields.js';

export const instructRecipe = z.strictObject({
  ...runFields,
  ...dataFields,
  /** The model that is tuned: a pretrained one, or an instruct one whose tuning goes on. */
  init: z.string(),
  config: z.string().optional(),
  // Emu-I's values (official inference.py); its learning rate and batch are not published.
  lora: z
    .strictObject({
      rank: positive.default(16),
      alpha: z.number().positive().default(16),
      dropout: share.default(0.05),
      /** Also learn the embeddings of [USER] and [ASSISTANT]. */
      turnTokens: z.boolean().default(true),
    })
    .prefault({}),
  phases: z.array(z.strictObject({...phaseFields, learningRate: z.number().positive()})).min(1),
});

export type InstructRecipe = z.infer<typeof instructRecipe>;
export type InstructPhase = InstructRecipe['phases'][number];
