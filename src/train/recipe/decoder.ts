// Recipe of `emu train decoder`: the UNet that draws from visual embeddings, the model before it frozen, and
// on demand the autoencoder between pictures and latents.
import {z} from 'zod';
import {dataFields} from './data.js';
import {phaseFields, positive, runFields, share} from './fields.js';

const channels = z.array(positive).min(1);

/** A part of the decoder: as it is stored, or from nothing. */
const isEither = ({folder, sizes}: {folder?: unknown; sizes?: unknown}) =>
  (folder === undefined) !== (sizes === undefined);
const either = {message: 'needs either folder (a diffusers folder) or sizes (of a new one)'};

/** Sizes of a UNet from nothing; its latents are the autoencoder's, its context is the model's. */
const unetSizes = z
  .strictObject({
    /** Channels at each resolution, the finest first. */
    blockChannels: channels,
    /** Which of them attend to the embeddings. */
    attention: z.array(z.boolean()).min(1),
    layersPerBlock: positive.default(2),
    numHeads: positive.default(8),
    normGroups: positive.default(32),
  })
  .refine(({attention, blockChannels}) => attention.length === blockChannels.length, {
    message: 'attention has one entry for each of blockChannels',
  });

/** Sizes of an autoencoder from nothing. */
const vaeSizes = z.strictObject({
  /** Channels at each resolution, the finest first; latents have half the side for each after the first. */
  blockChannels: channels,
  layersPerBlock: positive.default(1),
  latentChannels: positive.default(4),
  normGroups: positive.default(32),
});

const phase = z.strictObject({
  ...phaseFields,
  /** denoise: the UNet learns, the autoencoder is frozen. reconstruct: the autoencoder learns alone. */
  objective: z.enum(['denoise', 'reconstruct']).default('denoise'),
  /** Peak. */
  learningRate: z.number().positive(),
  /**
   * What the UNet is shown. regressed: what the language model regresses after the text, as when it draws
   * (the paper's). causalFormer: the picture's own embeddings, with no language model in between (Emu2's).
   */
  condition: z.enum(['regressed', 'causalFormer']).default('regressed'),
  /** Share of pictures whose condition is the empty prompt's embeddings. */
  dropCondition: share.default(0.1),
  /** γ of min-SNR weighting. Default: all timesteps count alike, as in Stable Diffusion. */
  minSnrGamma: z.number().positive().optional(),
  /** reconstruct: error of the pixels, averaged. */
  pixelLoss: z.enum(['l1', 'l2']).default('l1'),
  /** reconstruct: factor of the latents' divergence from a standard normal, averaged over their elements. */
  klWeight: z.number().min(0).default(1e-3),
});

const {samples: _, optimizer, ...ownRunFields} = runFields;

export const decoderRecipe = z
  .strictObject({
    ...ownRunFields,
    ...dataFields,
    // Stable Diffusion's and the paper's: 0.9, 0.999, weight decay 0.01 on everything.
    optimizer: optimizer
      .unwrap()
      .extend({
        beta2: share.default(0.999),
        eps: z.number().positive().default(1e-8),
        weightDecay: z.number().min(0).default(0.01),
        decay: z.enum(['matrices', 'all']).default('all'),
      })
      .prefault({}),
    /** The model whose embeddings are drawn from: a name, folder or file, as --model takes. It stays as it is. */
    init: z.string(),
    config: z.string().optional(),
    /**
     * A diffusers folder, or sizes of a new one. Of a UNet with a context of another width (Stable Diffusion's)
     * the keys and values of the cross-attention are made anew. Default: the model's own, unet/ beside it.
     */
    unet: z
      .strictObject({folder: z.string().optional(), sizes: unetSizes.optional()})
      .refine(isEither, either)
      .optional(),
    /**
     * A diffusers folder, or sizes of a new one, which wants a phase `reconstruct`. Default: the model's own,
     * vae/ beside it.
     */
    vae: z
      .strictObject({folder: z.string().optional(), sizes: vaeSizes.optional()})
      .refine(isEither, either)
      .optional(),
    /** The pictures that are learned: their side, and how one that is no square becomes one. */
    picture: z.strictObject({
      size: positive,
      fit: z.enum(['crop', 'stretch']).default('crop'),
    }),
    /** Samples with longer texts are left out; in characters. */
    maxTextLength: positive.default(150),
    /** How noise grows with the timesteps: Stable Diffusion's. */
    noise: z
      .strictObject({
        numSteps: positive.default(1000),
        betaStart: z.number().positive().max(1).default(0.00085),
        betaEnd: z.number().positive().max(1).default(0.012),
        /** What the UNet learns to tell: the noise, or √ᾱ · noise - √(1 - ᾱ) · latents. */
        prediction: z.enum(['epsilon', 'v_prediction']).default('epsilon'),
      })
      .prefault({}),
    phases: z.array(phase).min(1),
  })
  .refine(({data}) => data.pack === 1, {
    message: 'data.pack: a row of the decoder holds one sample',
  })
  .refine(({vae, phases}) => !vae?.sizes || phases[0]!.objective === 'reconstruct', {
    message: 'vae.sizes: it is random at first: phases has to begin with objective: reconstruct',
  });

export type DecoderRecipe = z.infer<typeof decoderRecipe>;
export type DecoderPhase = DecoderRecipe['phases'][number];
