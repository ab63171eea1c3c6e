// What the official code expects beside the tensors that a model computes with: it loads strictly, so its
// files hold layers that no forward pass uses, and its sizes stand in configuration files of its own.
import {encode} from '../kernels/encoding.js';
import type {EmuConfig, Mode} from './config.js';
import {LAYER_NORM_EPS, specialTokens} from './config.js';
import {llamaPrefix} from './emuTensors.js';
import type {TensorToWrite} from './safetensors.js';
import {countElements} from './storedTensor.js';
import type {FloatEncoding} from './tensorsToWrite.js';

// Where no checkpoint says them: EVA-CLIP's embedding (Emu-14B.json), T5's vocabulary (t5-base).
const EMBED_DIM = 1024;
const T5_VOCABULARY = 32128;

const HEAD = 'visual.head.weight';
const T5_TABLE = 'cformer.cformer.embed_tokens.weight';

/** Why the official code could not hold such a model, if so. */
export function officialProblem({
  vision,
}: {
  readonly vision: {readonly stem?: unknown; readonly layerNormEps: number};
}): string | undefined {
  if (vision.stem) return 'a model with a convolutional stem has no official form';
  if (vision.layerNormEps !== LAYER_NORM_EPS)
    return `the official code's layerNormEps is ${LAYER_NORM_EPS}, not ${vision.layerNormEps}`;
  return undefined;
}

/** The tensors with those that official files have besides; what is made here is 1, 0 or recomputed. */
export function withUnusedTensors(
  tensors: readonly TensorToWrite[],
  config: EmuConfig,
  encoding: FloatEncoding,
): TensorToWrite[] {
  const {vision, causalFormer, llama} = config;
  const known = new Set(tensors.map(({name}) => name));
  const added: TensorToWrite[] = [];
  const add = (name: string, shape: number[], value: (i: number) => number) => {
    if (known.has(name)) return;
    const length = countElements(shape)!;
    const data = () =>
      encode(
        Float32Array.from({length}, (_, i) => value(i)),
        encoding,
      );
    added.push({name, shape, encoding, data});
  };
  const zero = () => 0;
  add('visual.norm.weight', [vision.width], () => 1);
  add('visual.norm.bias', [vision.width], zero);
  add(HEAD, [EMBED_DIM, vision.width], zero);
  add('visual.head.bias', [EMBED_DIM], zero);
  add(T5_TABLE, [T5_VOCABULARY, causalFormer.hiddenSize], zero);
  const headDim = llama.hiddenSize / llama.numHeads;
  for (let layer = 0; layer < llama.layers; layer++)
    add(
      `${llamaPrefix(config)}.model.layers.${layer}.self_attn.rotary_emb.inv_freq`,
      [headDim / 2],
      (i) => llama.ropeBase ** ((-2 * i) / headDim),
    );
  return [...tensors, ...added];
}

/** The official configuration files of these tensors, by name: as readConfig takes them. */
export function officialConfigFiles(
  {vision, causalFormer, llama, lora}: EmuConfig,
  mode: Mode,
  tensors: readonly TensorToWrite[],
): Map<string, string> {
  const rowsOf = (wanted: string) => tensors.find(({name}) => name === wanted)!.shape[0];
  const numTokens = causalFormer.numTokens;
  const files: Record<string, object> = {
    'Emu-14B.json': {
      embed_dim: rowsOf(HEAD),
      vision_cfg: {
        image_size: vision.imageSize,
        layers: vision.layers,
        width: vision.width,
        head_width: vision.headWidth,
        mlp_ratio: vision.mlpRatio,
        patch_size: vision.patchSize,
        eva_model_name: 'eva-clip-g-14-x',
        drop_path_rate: 0,
        xattn: true,
        freeze: false,
      },
      multimodal_cfg: {name: 'llama-13B', xattn: true, n_causal: numTokens, freeze: false},
      vladapter_cfg: {name: 'cformer', n_causal: numTokens},
    },
    'llama_config/config.json': {
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      bos_token_id: 1,
      eos_token_id: 2,
      hidden_act: 'silu',
      hidden_size: llama.hiddenSize,
      intermediate_size: llama.intermediateSize,
      max_position_embeddings: llama.contextLength,
      num_attention_heads: llama.numHeads,
      num_hidden_layers: llama.layers,
      rms_norm_eps: llama.rmsNormEps,
      rope_theta: llama.ropeBase,
      tie_word_embeddings: false,
      vocab_size: llama.vocabSize - specialTokens[mode],
    },
    'cformer_t5_config.json': {
      vocab_size: rowsOf(T5_TABLE),
      d_model: causalFormer.hiddenSize,
      d_kv: causalFormer.headDim,
      d_ff: causalFormer.intermediateSize,
      num_layers: causalFormer.layers,
      num_decoder_layers: causalFormer.layers,
      num_heads: causalFormer.numHeads,
      relative_attention_num_buckets: causalFormer.relativeBuckets,
      relative_attention_max_distance: causalFormer.relativeMaxDistance,
      layer_norm_epsilon: causalFormer.rmsNormEps,
      dense_act_fn: 'relu',
      is_gated_act: false,
    },
    ...(lora && {
      'lora_config.json': {
        r: lora.rank,
        lora_alpha: lora.alpha,
        target_modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj'],
        bias: 'none',
      },
    }),
  };
  return new Map(
    Object.entries(files).map(([name, value]) => [
      name,
      `${JSON.stringify(value, undefined, 2)}\n`,
    ]),
  );
}
