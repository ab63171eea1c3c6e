// The sizes of a model: from the official code's configuration files, from emu's own config.json,
// or Emu-14B's. Official files: models/Emu-14B.json, models/llama_config/config.json; T5 and LoRA
// values stand in the code there (models/causal_former.py, inference.py) and here in files of the
// same form.
import {existsSync} from 'node:fs';
import path from 'node:path';
import {z} from 'zod';
import {ModelError} from '../errors.js';
import {parse, readJson} from './jsonFile.js';
import {printable} from './printable.js';

export type Mode = 'pretrain' | 'instruct';

/** Special tokens after LLaMA's own: [PAD] [IMG] [/IMG] <image>, then [USER] [ASSISTANT]. */
export const specialTokens: Readonly<Record<Mode, number>> = {pretrain: 4, instruct: 6};

// Bounds far above any real model keep a damaged file from asking for absurd loops or memory.
const size = z.int().min(1).max(1_000_000);
const layers = z.int().min(1).max(1000);
const eps = z.number().min(0).max(1);

/** emu's own: convolutions in the place of the linear patch embedding (src/model/convStem.ts). */
const stemSchema = z.strictObject({
  channels: z.array(size).min(1).max(16).readonly(), // after each convolution of stride 2
  blocks: z.array(z.int().min(0).max(100)).readonly(), // residual blocks after each of them
  batchNormEps: eps,
});

const visionSchema = z.strictObject({
  imageSize: size, // pixels, square
  patchSize: size,
  layers,
  width: size,
  headWidth: size,
  mlpRatio: z.number().positive().max(100), // the MLP is floor(width · mlpRatio) wide
  layerNormEps: eps,
  stem: stemSchema.optional(),
});

const causalFormerSchema = z.strictObject({
  numTokens: size, // visual embeddings a picture
  layers,
  hiddenSize: size,
  numHeads: size,
  headDim: size, // numHeads · headDim need not be hiddenSize
  intermediateSize: size,
  relativeBuckets: size,
  relativeMaxDistance: size,
  rmsNormEps: eps,
});

export const llamaSchema = z.strictObject({
  vocabSize: size, // with the special tokens
  hiddenSize: size,
  layers,
  numHeads: size,
  intermediateSize: size,
  rmsNormEps: eps,
  ropeBase: z.number().min(1),
  contextLength: size,
});

export const loraSchema = z.strictObject({
  rank: size,
  alpha: z.number().positive(),
  /** emu's own: tokens whose embeddings the tuning replaces, in the order of `embed_rows`. */
  tokenRows: z.array(z.int().min(0)).min(1).max(64).readonly().optional(),
});

/** emu's own config.json: the configuration itself. */
const emuSchema = z.strictObject({
  format: z.literal('emu'),
  mode: z.enum(['pretrain', 'instruct']),
  vision: visionSchema,
  causalFormer: causalFormerSchema,
  llama: llamaSchema,
  lora: loraSchema.optional(),
});

/** Structurally the `EmuConfig` of src/model. */
export interface EmuConfig {
  readonly vision: Readonly<z.infer<typeof visionSchema>>;
  readonly causalFormer: Readonly<z.infer<typeof causalFormerSchema>>;
  readonly llama: Readonly<z.infer<typeof llamaSchema>>;
  /** Present in an instruction-tuned model whose LoRA matrices are not merged. */
  readonly lora?: Readonly<z.infer<typeof loraSchema>>;
}

// The official files; defaults are Emu-14B's values. Other keys in them are not needed and ignored.
const numImageTokens = size.default(32);

const officialModel = z.object({
  vision_cfg: z
    .object({
      image_size: size.default(224),
      patch_size: size.default(14),
      layers: layers.default(40),
      width: size.default(1408),
      head_width: size.default(88),
      mlp_ratio: z.number().positive().max(100).default(4.3637),
    })
    .prefault({}),
  multimodal_cfg: z.object({n_causal: numImageTokens}).prefault({}),
  vladapter_cfg: z.object({n_causal: numImageTokens}).prefault({}),
});

const officialLlama = z.object({
  vocab_size: size.default(32000),
  hidden_size: size.default(5120),
  num_hidden_layers: layers.default(40),
  num_attention_heads: size.default(40),
  num_key_value_heads: size.optional(),
  intermediate_size: size.default(13824),
  rms_norm_eps: eps.default(1e-6),
  rope_theta: z.number().min(1).default(10000),
  max_position_embeddings: size.default(2048),
  hidden_act: z.literal('silu').default('silu'),
});

const officialT5 = z.object({
  d_model: size.default(768),
  d_kv: size.default(64),
  d_ff: size.default(3072),
  num_layers: layers.default(12),
  num_decoder_layers: layers.optional(),
  num_heads: size.default(12),
  relative_attention_num_buckets: size.default(32),
  relative_attention_max_distance: size.default(128),
  layer_norm_epsilon: eps.default(1e-6),
  is_gated_act: z.literal(false).default(false),
  dense_act_fn: z.literal('relu').default('relu'),
});

const officialLora = z.object({
  r: size.default(16),
  lora_alpha: z.number().positive().default(16),
  bias: z.literal('none').default('none'),
  target_modules: z.array(z.string()).default(['q_proj', 'k_proj', 'v_proj', 'o_proj']),
});

const emuFile = 'config.json';
const modelFile = 'Emu-14B.json';
const llamaFile = path.join('llama_config', 'config.json');
const t5File = 'cformer_t5_config.json';
const loraFile = 'lora_config.json';

/** EVA-CLIP's layer norms; fixed in the official code (models/eva_vit.py). */
export const LAYER_NORM_EPS = 1e-6;
const LORA_TARGETS = 'k_proj o_proj q_proj v_proj';

/** Emu-14B's configuration (arXiv 2307.05222 and the official files). */
export function emu14b(mode: Mode): EmuConfig {
  return officialConfig(undefined, mode, mode === 'instruct');
}

/** Whether the folder holds configuration files, and whose. */
export function configKind(folder: string): 'emu' | 'official' | undefined {
  const own = path.join(folder, emuFile);
  if (existsSync(own) && isEmuConfig(own)) return 'emu';
  const official = [modelFile, llamaFile, t5File, loraFile];
  return official.some((name) => existsSync(path.join(folder, name))) ? 'official' : undefined;
}

/** Another program's config.json (Hugging Face's) may stand in the same place. */
function isEmuConfig(file: string): boolean {
  const value = readJson(file);
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'format');
}

export interface ConfigSource {
  /** Folder of configuration files; Emu-14B's values without one. */
  readonly configFolder?: string;
  readonly mode: Mode;
  /** Whether the checkpoint has LoRA matrices; by default an instruct one has. */
  readonly hasLora?: boolean;
}

/** The model's configuration. Throws ModelError that names the file and the field. */
export function readConfig(source: ConfigSource): EmuConfig {
  const {configFolder, mode, hasLora = mode === 'instruct'} = source;
  const kind = configFolder === undefined ? undefined : configKind(configFolder);
  if (configFolder !== undefined && kind === undefined) {
    const wanted = [emuFile, modelFile, llamaFile, t5File, loraFile].join(', ');
    throw new ModelError(configFolder, `no configuration in this folder (looked for ${wanted})`);
  }
  if (kind === 'emu') return readEmuConfig(path.join(configFolder!, emuFile)).config;
  return officialConfig(configFolder, mode, hasLora);
}

/** emu's own config.json. Throws ModelError that names the field. */
export function readEmuConfig(file: string): {config: EmuConfig; mode: Mode} {
  const {format: _, mode, lora, ...towers} = parse(file, emuSchema, readJson(file));
  const config = lora ? {...towers, lora} : towers;
  checkConfig(config, file);
  return {config, mode};
}

/** The text of emu's own config.json. */
export function formatConfig(config: EmuConfig, mode: Mode): string {
  const {vision, causalFormer, llama, lora} = config;
  const own = {format: 'emu', mode, vision, causalFormer, llama, ...(lora ? {lora} : {})};
  return `${JSON.stringify(own, undefined, 2)}\n`;
}

function officialConfig(folder: string | undefined, mode: Mode, hasLora: boolean): EmuConfig {
  const read = <T extends z.ZodType>(name: string, schema: T): z.infer<T> => {
    const file = folder === undefined ? name : path.join(folder, name);
    return parse(file, schema, folder !== undefined && existsSync(file) ? readJson(file) : {});
  };
  const model = read(modelFile, officialModel);
  const llama = read(llamaFile, officialLlama);
  const t5 = read(t5File, officialT5);
  const lora = read(loraFile, officialLora);
  const where = folder ?? modelFile;
  const {vision_cfg: vision, multimodal_cfg, vladapter_cfg} = model;
  if (multimodal_cfg.n_causal !== vladapter_cfg.n_causal) {
    throw new ModelError(
      path.join(where, modelFile),
      `multimodal_cfg.n_causal is ${multimodal_cfg.n_causal}, vladapter_cfg.n_causal ${vladapter_cfg.n_causal}; expected the same`,
    );
  }
  if ((llama.num_key_value_heads ?? llama.num_attention_heads) !== llama.num_attention_heads) {
    throw new ModelError(
      path.join(where, llamaFile),
      'grouped-query attention (num_key_value_heads) is not part of Emu',
    );
  }
  if (hasLora && [...lora.target_modules].sort().join(' ') !== LORA_TARGETS) {
    throw new ModelError(
      path.join(where, loraFile),
      `LoRA on ${printable(lora.target_modules.join(', '))}; expected q_proj, k_proj, v_proj, o_proj`,
    );
  }
  const config: EmuConfig = {
    vision: {
      imageSize: vision.image_size,
      patchSize: vision.patch_size,
      layers: vision.layers,
      width: vision.width,
      headWidth: vision.head_width,
      mlpRatio: vision.mlp_ratio,
      layerNormEps: LAYER_NORM_EPS,
    },
    causalFormer: {
      numTokens: vladapter_cfg.n_causal,
      layers: t5.num_decoder_layers ?? t5.num_layers,
      hiddenSize: t5.d_model,
      numHeads: t5.num_heads,
      headDim: t5.d_kv,
      intermediateSize: t5.d_ff,
      relativeBuckets: t5.relative_attention_num_buckets,
      relativeMaxDistance: t5.relative_attention_max_distance,
      rmsNormEps: t5.layer_norm_epsilon,
    },
    llama: {
      vocabSize: llama.vocab_size + specialTokens[mode],
      hiddenSize: llama.hidden_size,
      layers: llama.num_hidden_layers,
      numHeads: llama.num_attention_heads,
      intermediateSize: llama.intermediate_size,
      rmsNormEps: llama.rms_norm_eps,
      ropeBase: llama.rope_theta,
      contextLength: llama.max_position_embeddings,
    },
    ...(hasLora ? {lora: {rank: lora.r, alpha: lora.lora_alpha}} : {}),
  };
  checkConfig(config, where);
  return config;
}

/** Sizes that must fit together. */
function checkConfig({vision, llama}: EmuConfig, file: string): void {
  const divides: [string, number, string, number][] = [
    ['image size', vision.imageSize, 'patch size', vision.patchSize],
    ['vision width', vision.width, 'head width', vision.headWidth],
    ['LLaMA width', llama.hiddenSize, 'number of heads', llama.numHeads],
    ...(vision.stem
      ? ([
          ['patch size', vision.patchSize, "stem's stride", 2 ** vision.stem.channels.length],
          ["stem's stride", 2 ** vision.stem.channels.length, 'patch size', vision.patchSize],
        ] as [string, number, string, number][])
      : []),
    ['LLaMA head size', llama.hiddenSize / llama.numHeads, 'pairs of rotary embedding', 2],
  ];
  for (const [what, whole, by, part] of divides) {
    if (whole % part !== 0) {
      throw new ModelError(file, `its ${what} ${whole} is not a multiple of its ${by} ${part}`);
    }
  }
}
