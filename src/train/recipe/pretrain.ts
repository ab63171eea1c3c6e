// Recipe of `emu train pretrain`: all towers or some, by the paper's objective, phase by phase.
import {z} from 'zod';
import {dataFields} from './data.js';
import {count, phaseFields, positive, runFields, share} from './fields.js';

const rate = z.number().positive();

const stem = z.strictObject({
  channels: z.array(positive).min(1),
  blocks: z.array(count),
  batchNormEps: z.number().positive().default(1e-5),
});

/** `part` goes into `whole` without a rest. */
const divides =
  <K extends string>(part: K, whole: K) =>
  (sizes: Readonly<Record<K, unknown>>) =>
    Number.isInteger((sizes[whole] as number) / (sizes[part] as number));

/** Sizes of a model that is trained from nothing. */
const sizes = z.strictObject({
  vision: z
    .strictObject({
      imageSize: positive,
      patchSize: positive,
      layers: positive,
      width: positive,
      headWidth: positive,
      mlpRatio: z.number().positive().default(4),
      layerNormEps: z.number().positive().default(1e-6),
      stem: stem.optional(),
    })
    .refine(divides('patchSize', 'imageSize'), {message: 'imageSize is no multiple of patchSize'})
    .refine(divides('headWidth', 'width'), {message: 'width is no multiple of headWidth'}),
  causalFormer: z.strictObject({
    numTokens: positive,
    layers: positive,
    hiddenSize: positive,
    numHeads: positive,
    headDim: positive,
    intermediateSize: positive,
    relativeBuckets: positive.default(32),
    relativeMaxDistance: positive.default(128),
    rmsNormEps: z.number().positive().default(1e-6),
  }),
  llama: z
    .strictObject({
      hiddenSize: positive,
      layers: positive,
      numHeads: positive,
      intermediateSize: positive,
      rmsNormEps: z.number().positive().default(1e-6),
      ropeBase: z.number().positive().default(10000),
      contextLength: positive.default(256),
    })
    .refine(divides('numHeads', 'hiddenSize'), {message: 'hiddenSize is no multiple of numHeads'}),
});

const phase = z.strictObject({
  ...phaseFields,
  /**
   * documents: the paper's objective. classify, contrast: warm-ups of the vision encoder, the part that
   * EVA-CLIP plays for Emu: name what the picture shows, or tell its text from the batch's others.
   */
  objective: z.enum(['documents', 'classify', 'contrast']).default('documents'),
  /** Peak learning rate of each tower; a tower without one is frozen. */
  learningRates: z.partialRecord(z.enum(['vision', 'causalFormer', 'llama']), rate),
  /** Factor of the cross-entropy; 0 trains by regression alone. */
  textWeight: z.number().min(0).default(1),
  /** Factor of the regression of visual embeddings; 0 trains by captioning alone. Emu's is not published. */
  regressionWeight: z.number().min(0).default(1),
  /** Of a visual embedding's squared error, over its dimensions. Emu's is not published. */
  regressionReduction: z.enum(['mean', 'sum']).default('mean'),
  labelSmoothing: share.default(0),
});

export const pretrainRecipe = z
  .strictObject({
    ...runFields,
    ...dataFields,
    /** A model to go on with: a name, folder or file, as --model takes. */
    init: z.string().optional(),
    /** The official configuration files of a checkpoint that carries none, as --config takes. */
    config: z.string().optional(),
    /** Sizes of a model from nothing. */
    model: sizes.optional(),
    /**
     * llama: LLaMA's vocabulary. words: those that the sources use, read or not by a phase; with `init`, those
     * that its vocabulary lacks are added to it. Default: the model's own.
     */
    vocabulary: z.enum(['llama', 'words']).optional(),
    phases: z.array(phase).min(1),
  })
  .refine(({init, model}) => (init === undefined) !== (model === undefined), {
    message: 'needs either init (a model to go on with) or model (sizes of a new one)',
  })
  .refine(({save, model}) => !save.official || !model?.vision.stem, {
    message: 'a model with a convolutional stem has no official form: leave out save.official',
  })
  .refine(({phases}) => phases.every((p) => p.textWeight + p.regressionWeight > 0), {
    message: 'a phase has textWeight 0 and regressionWeight 0: nothing is left to learn',
  })
  .refine(({data, phases}) => data.pack === 1 || phases.every((p) => p.objective !== 'contrast'), {
    message: 'a phase tells pictures from each other by the text of their row: data.pack must be 1',
  });

export type PretrainRecipe = z.infer<typeof pretrainRecipe>;
export type PretrainPhase = PretrainRecipe['phases'][number];
export type ModelSizes = z.infer<typeof sizes>;
