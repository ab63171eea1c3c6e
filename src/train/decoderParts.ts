// The image decoder that training starts from: a UNet and an autoencoder out of diffusers folders, or from
// nothing by the recipe's sizes.
import path from 'node:path';
import type tf from '#tfjs';
import {InputError} from '../errors.js';
import type {WeightSource} from '../model/layers.js';
import type {Random} from '../random.js';
import type {Checkpoint} from '../weights/checkpoint.js';
import {
  type UnetConfig,
  unetBlockTypes,
  unetConfig,
  type VaeConfig,
  vaeBlockTypes,
  vaeConfig,
} from '../weights/diffusionConfig.js';
import {type DiffusionPart, openUnet, openVae} from '../weights/diffusionFolder.js';
import {Weights} from '../weights/weights.js';
import {initialDecoderWeight} from './initializeDecoder.js';
import type {DecoderRecipe} from './recipe/decoder.js';
import type {InitialModel} from './trainedModel.js';

export interface InitialPart<Config> {
  readonly config: Config;
  /** As it is stored; none: from nothing. */
  readonly stored?: {readonly weights: WeightSource; readonly checkpoint: Checkpoint};
  /** Its value when training begins, by diffusers' name. */
  initial(name: string, shape: readonly number[]): tf.Tensor;
  close(): void;
}

export interface DecoderSetup {
  readonly recipe: DecoderRecipe;
  readonly recipeFile: string;
  readonly initial: InitialModel;
}

/** The folder that the recipe names, or the model's own. */
function folderOf(part: 'unet' | 'vae', {recipe, recipeFile, initial}: DecoderSetup): string {
  const folder = recipe[part]?.folder;
  if (folder !== undefined) return folder;
  if (initial.decoderFolder !== undefined) return path.join(initial.decoderFolder, part);
  throw new InputError(
    recipeFile,
    `${recipe.init} has no image decoder of its own`,
    `give ${part}: {folder: ...} or ${part}: {sizes: ...}`,
  );
}

function storedPart<Config>(
  {config, checkpoint}: DiffusionPart<Config>,
  initial = (weights: Weights, name: string, shape: readonly number[]): tf.Tensor =>
    weights.tensor(name, shape),
): InitialPart<Config> {
  const weights = Weights.open(checkpoint);
  return {
    config,
    stored: {weights, checkpoint},
    initial: (name, shape) => initial(weights, name, shape),
    close: () => {
      weights.dispose();
      checkpoint.close();
    },
  };
}

/** The autoencoder; its scaling factor is 1 when it is from nothing. */
export function openInitialVae(setup: DecoderSetup, random: Random): InitialPart<VaeConfig> {
  const {recipe, recipeFile} = setup;
  const {size} = recipe.picture;
  const sizes = recipe.vae?.sizes;
  if (!sizes) {
    const part = openVae(folderOf('vae', setup));
    return storedPart({...part, config: {...part.config, sampleSize: size}});
  }
  const config = vaeConfig(`${recipeFile}: vae.sizes`, {
    sample_size: size,
    latent_channels: sizes.latentChannels,
    block_out_channels: sizes.blockChannels,
    ...vaeBlockTypes(sizes.blockChannels.length),
    layers_per_block: sizes.layersPerBlock,
    norm_num_groups: sizes.normGroups,
    scaling_factor: 1,
  });
  const initial = (name: string, shape: readonly number[]) =>
    initialDecoderWeight(name, shape, random, {isResidual: false});
  return {config, initial, close: () => {}};
}

/** Sizes that the parts ask of each other. */
function checkFit({recipe, recipeFile}: DecoderSetup, vae: VaeConfig, unet: UnetConfig): void {
  const {size} = recipe.picture;
  const {inChannels, outChannels} = unet;
  if (inChannels !== vae.latentChannels || outChannels !== vae.latentChannels)
    throw new InputError(
      recipeFile,
      `the UNet has latents of ${inChannels} channels, the autoencoder of ${vae.latentChannels}`,
    );
  const factor = 2 ** (vae.blockChannels.length + unet.blockChannels.length - 2);
  if (size % factor !== 0)
    throw new InputError(recipeFile, `picture.size: expected a multiple of ${factor}, got ${size}`);
}

/** The UNet for that autoencoder's latents and the model's embeddings. */
export function openInitialUnet(
  setup: DecoderSetup,
  vae: VaeConfig,
  random: Random,
): InitialPart<UnetConfig> {
  const {recipe, recipeFile, initial: model} = setup;
  const sizes = recipe.unet?.sizes;
  const contextSize = model.config.llama.hiddenSize;
  const sampleSize = Math.floor(recipe.picture.size / 2 ** (vae.blockChannels.length - 1));
  const fresh = (name: string, shape: readonly number[]) =>
    initialDecoderWeight(name, shape, random, {isResidual: true});
  if (sizes) {
    const config = unetConfig(`${recipeFile}: unet.sizes`, {
      sample_size: sampleSize,
      in_channels: vae.latentChannels,
      out_channels: vae.latentChannels,
      block_out_channels: sizes.blockChannels,
      ...unetBlockTypes(sizes.attention),
      layers_per_block: sizes.layersPerBlock,
      attention_head_dim: sizes.numHeads,
      norm_num_groups: sizes.normGroups,
      cross_attention_dim: contextSize,
    });
    checkFit(setup, vae, config);
    return {config, initial: fresh, close: () => {}};
  }
  const {config, checkpoint} = openUnet(folderOf('unet', setup));
  try {
    checkFit(setup, vae, config);
  } catch (error) {
    checkpoint.close();
    throw error;
  }
  // Another width: new keys and values take the place of those that read a text encoder's states.
  const isNew = (name: string) =>
    config.contextSize !== contextSize && /\.attn2\.to_[kv]\.weight$/.test(name);
  return storedPart(
    {config: {...config, contextSize, sampleSize}, checkpoint},
    (weights, name, shape) => (isNew(name) ? fresh(name, shape) : weights.tensor(name, shape)),
  );
}
