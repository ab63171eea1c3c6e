// The sizes of an image decoder: config.json of diffusers' UNet2DConditionModel and AutoencoderKL and
// scheduler_config.json, as diffusers 0.15.1 writes them. What emu's decoder does not do is refused, not
// ignored. Defaults are diffusers'; keys that are not named here are not needed.
import {z} from 'zod';
import {ModelError} from '../errors.js';
import {parse, readJson} from './jsonFile.js';

const size = z.int().min(1).max(1_000_000);
const layers = z.int().min(1).max(100);
const eps = z.number().min(0).max(1);
const channels = z.array(size).min(1).max(16);

/** Options that must have the value given, which is diffusers' default. */
function fixed<T extends Record<string, string | number | boolean | null>>(values: T) {
  const entries = Object.entries(values).map(([key, value]) => [
    key,
    z.literal(value).default(value),
  ]);
  return Object.fromEntries(entries) as {[K in keyof T]: z.ZodType<T[K]>};
}

const fixedUnet = {
  act_fn: 'silu',
  addition_embed_type: null,
  center_input_sample: false,
  class_embed_type: null,
  class_embeddings_concat: false,
  conv_in_kernel: 3,
  conv_out_kernel: 3,
  cross_attention_norm: null,
  dual_cross_attention: false,
  encoder_hid_dim: null,
  mid_block_only_cross_attention: null,
  mid_block_scale_factor: 1,
  mid_block_type: 'UNetMidBlock2DCrossAttn',
  num_class_embeds: null,
  only_cross_attention: false,
  projection_class_embeddings_input_dim: null,
  resnet_out_scale_factor: 1,
  resnet_skip_time_act: false,
  resnet_time_scale_shift: 'default',
  time_cond_proj_dim: null,
  time_embedding_act_fn: null,
  time_embedding_type: 'positional',
  timestep_post_act: null,
  use_linear_projection: false,
} as const;

const [crossAttnDown, plainDown] = ['CrossAttnDownBlock2D', 'DownBlock2D'] as const;
const [crossAttnUp, plainUp] = ['CrossAttnUpBlock2D', 'UpBlock2D'] as const;

const unetSchema = z.object({
  sample_size: size.default(64),
  in_channels: size.default(4),
  out_channels: size.default(4),
  block_out_channels: channels.default([320, 640, 1280, 1280]),
  down_block_types: z
    .array(z.enum([crossAttnDown, plainDown]))
    .default([crossAttnDown, crossAttnDown, crossAttnDown, plainDown]),
  up_block_types: z
    .array(z.enum([crossAttnUp, plainUp]))
    .default([plainUp, crossAttnUp, crossAttnUp, crossAttnUp]),
  layers_per_block: layers.default(2),
  attention_head_dim: size.default(8), // the number of heads
  cross_attention_dim: size.default(1280),
  norm_num_groups: size.default(32),
  norm_eps: eps.default(1e-5),
  downsample_padding: z.int().min(0).max(1).default(1),
  flip_sin_to_cos: z.boolean().default(true),
  freq_shift: z.number().min(0).max(1).default(0),
  ...fixed(fixedUnet),
});

const down = z.literal('DownEncoderBlock2D');
const up = z.literal('UpDecoderBlock2D');

const vaeSchema = z.object({
  sample_size: size.default(32),
  in_channels: size.default(3),
  out_channels: size.default(3),
  latent_channels: size.default(4),
  block_out_channels: channels.default([64]),
  down_block_types: z.array(down).default([down.value]),
  up_block_types: z.array(up).default([up.value]),
  layers_per_block: layers.default(1),
  norm_num_groups: size.default(32),
  scaling_factor: z.number().positive().default(0.18215),
  ...fixed({act_fn: 'silu'}),
});

const scheduleSchema = z.object({
  num_train_timesteps: size.max(100_000).default(1000),
  beta_start: eps.default(0.0001),
  beta_end: eps.default(0.02),
  beta_schedule: z.literal('scaled_linear'),
  prediction_type: z.enum(['epsilon', 'v_prediction']).default('epsilon'),
  trained_betas: z.null().default(null),
  steps_offset: z.int().min(0).max(1).default(0),
  set_alpha_to_one: z.boolean().default(false),
  skip_prk_steps: z.literal(true).default(true),
  clip_sample: z.literal(false).default(false),
});

/** Structurally the configurations of src/model/diffusion. */
export type UnetConfig = ReturnType<typeof unetConfig>;
export type VaeConfig = ReturnType<typeof vaeConfig>;
export type SamplingConfig = ReturnType<typeof scheduleConfig>;
export type NoiseScheduleConfig = Pick<
  SamplingConfig,
  'numSteps' | 'betaStart' | 'betaEnd' | 'prediction'
>;

/** A UNet's configuration by diffusers' keys, checked. Throws ModelError that names `file` and the field. */
export function unetConfig(file: string, value: unknown) {
  const options = parse(file, unetSchema, value);
  const config = {
    sampleSize: options.sample_size,
    inChannels: options.in_channels,
    outChannels: options.out_channels,
    blockChannels: options.block_out_channels,
    downAttention: options.down_block_types.map((type) => type === crossAttnDown),
    upAttention: options.up_block_types.map((type) => type === crossAttnUp),
    layersPerBlock: options.layers_per_block,
    numHeads: options.attention_head_dim,
    contextSize: options.cross_attention_dim,
    normGroups: options.norm_num_groups,
    normEps: options.norm_eps,
    downsamplePadding: options.downsample_padding,
    flipSinToCos: options.flip_sin_to_cos,
    freqShift: options.freq_shift,
  };
  const {blockChannels, downAttention, upAttention, normGroups, numHeads} = config;
  checkCounts(file, blockChannels.length, {
    down_block_types: downAttention.length,
    up_block_types: upAttention.length,
  });
  checkDivides(file, blockChannels, {norm_num_groups: normGroups, attention_head_dim: numHeads});
  checkDivides(file, [blockChannels[0]!], {'sine and cosine': 2});
  return config;
}

/** The same of an autoencoder. */
export function vaeConfig(file: string, value: unknown) {
  const options = parse(file, vaeSchema, value);
  const config = {
    sampleSize: options.sample_size,
    inChannels: options.in_channels,
    outChannels: options.out_channels,
    latentChannels: options.latent_channels,
    blockChannels: options.block_out_channels,
    layersPerBlock: options.layers_per_block,
    normGroups: options.norm_num_groups,
    scalingFactor: options.scaling_factor,
  };
  checkCounts(file, config.blockChannels.length, {
    down_block_types: options.down_block_types.length,
    up_block_types: options.up_block_types.length,
  });
  checkDivides(file, config.blockChannels, {norm_num_groups: config.normGroups});
  return config;
}

function scheduleConfig(file: string, value: unknown) {
  const options = parse(file, scheduleSchema, value);
  return {
    numSteps: options.num_train_timesteps,
    betaStart: options.beta_start,
    betaEnd: options.beta_end,
    prediction: options.prediction_type,
    stepsOffset: options.steps_offset,
    endsClean: options.set_alpha_to_one,
  };
}

function checkCounts(file: string, count: number, lists: Record<string, number>): void {
  for (const [name, length] of Object.entries(lists)) {
    if (length === count) continue;
    throw new ModelError(
      file,
      `block_out_channels has ${count} entries, ${name} ${length}; expected as many`,
    );
  }
}

function checkDivides(file: string, wholes: readonly number[], parts: Record<string, number>) {
  for (const [name, part] of Object.entries(parts)) {
    const odd = wholes.find((whole) => whole % part !== 0);
    if (odd === undefined) continue;
    throw new ModelError(file, `block_out_channels: ${odd} is not a multiple of ${name} ${part}`);
  }
}

/** Emu's released image decoder: Stable Diffusion 1.5 with a context of LLaMA's width. */
export function emuDecoder(): {unet: UnetConfig; vae: VaeConfig} {
  const vaeChannels = [128, 256, 512, 512];
  return {
    unet: unetConfig('unet', {cross_attention_dim: 5120}),
    vae: vaeConfig('vae', {
      sample_size: 512,
      block_out_channels: vaeChannels,
      ...vaeBlockTypes(vaeChannels.length),
      layers_per_block: 2,
    }),
  };
}

/** Reads unet/config.json. Throws ModelError that names the file and the field. */
export function readUnetConfig(file: string): UnetConfig {
  return unetConfig(file, readJson(file));
}

/** Reads vae/config.json. Throws ModelError that names the file and the field. */
export function readVaeConfig(file: string): VaeConfig {
  return vaeConfig(file, readJson(file));
}

/** Reads scheduler/scheduler_config.json: the noise that the UNet was trained on, and how it is taken away. */
export function readNoiseScheduleConfig(file: string): SamplingConfig {
  return scheduleConfig(file, readJson(file));
}

const VERSION = {_diffusers_version: '0.15.1'} as const;
const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`;

/** The block types of a UNet, by whether each level attends to the context, the finest first. */
export function unetBlockTypes(attention: readonly boolean[]) {
  return {
    down_block_types: attention.map((has) => (has ? crossAttnDown : plainDown)),
    up_block_types: [...attention].reverse().map((has) => (has ? crossAttnUp : plainUp)),
  };
}

/** The block types of an autoencoder of so many levels. */
export function vaeBlockTypes(levels: number) {
  return {
    down_block_types: new Array(levels).fill(down.value),
    up_block_types: new Array(levels).fill(up.value),
  };
}

/** The text of a config.json that diffusers reads too. */
export function formatUnetConfig(config: UnetConfig): string {
  const {addition_embed_type: _, ...others} = fixedUnet; // newer than the version named
  return json({
    _class_name: 'UNet2DConditionModel',
    ...VERSION,
    sample_size: config.sampleSize,
    in_channels: config.inChannels,
    out_channels: config.outChannels,
    block_out_channels: config.blockChannels,
    down_block_types: config.downAttention.map((has) => (has ? crossAttnDown : plainDown)),
    up_block_types: config.upAttention.map((has) => (has ? crossAttnUp : plainUp)),
    layers_per_block: config.layersPerBlock,
    attention_head_dim: config.numHeads,
    cross_attention_dim: config.contextSize,
    norm_num_groups: config.normGroups,
    norm_eps: config.normEps,
    downsample_padding: config.downsamplePadding,
    flip_sin_to_cos: config.flipSinToCos,
    freq_shift: config.freqShift,
    ...others,
  });
}

/** The same of the autoencoder. */
export function formatVaeConfig(config: VaeConfig): string {
  return json({
    _class_name: 'AutoencoderKL',
    ...VERSION,
    sample_size: config.sampleSize,
    in_channels: config.inChannels,
    out_channels: config.outChannels,
    latent_channels: config.latentChannels,
    block_out_channels: config.blockChannels,
    ...vaeBlockTypes(config.blockChannels.length),
    layers_per_block: config.layersPerBlock,
    norm_num_groups: config.normGroups,
    scaling_factor: config.scalingFactor,
    act_fn: 'silu',
  });
}

/** scheduler_config.json of the sampler that Emu draws with. */
export function formatNoiseScheduleConfig(config: NoiseScheduleConfig): string {
  return json({
    _class_name: 'PNDMScheduler',
    ...VERSION,
    beta_end: config.betaEnd,
    beta_schedule: 'scaled_linear',
    beta_start: config.betaStart,
    num_train_timesteps: config.numSteps,
    prediction_type: config.prediction,
    set_alpha_to_one: false,
    skip_prk_steps: true,
    steps_offset: 1,
    trained_betas: null,
    clip_sample: false,
  });
}
