// The tensors of an Emu checkpoint: every name of the official state dict with its shape.
import type {EmuConfig} from './config.js';
import type {ExpectedTensor, ExpectedTensors} from './checkTensors.js';

/** Stored by the official code but used by no forward pass, or recomputed (rotary frequencies). */
const unusedTensors: readonly RegExp[] = [
  /^visual\.norm\.(weight|bias)$/,
  /^visual\.head\.(weight|bias)$/,
  /^cformer\.cformer\.embed_tokens\.weight$/,
  /^decoder\.lm\.(base_model\.model\.)?model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq$/,
];

/**
 * Where the language model's tensors are: peft wraps an instruct model, which adds to every name.
 */
export function llamaPrefix(config: {readonly lora?: object | undefined}): string {
  return config.lora ? 'decoder.lm.base_model.model' : 'decoder.lm';
}

/** The language model's two tables with a row a token. */
export function isVocabularyTable(name: string): boolean {
  return /^decoder\.lm\.(base_model\.model\.)?(model\.embed_tokens|lm_head)\.weight$/.test(name);
}

export function emuTensors(config: EmuConfig): ExpectedTensors {
  const required: ExpectedTensor[] = [];
  const add = (name: string, ...shape: number[]) => required.push({name, shape});
  addVision(add, config);
  addCausalFormer(add, config);
  addLlama(add, config);
  return {required, optional: unusedTensors};
}

type Add = (name: string, ...shape: number[]) => void;

function addVision(add: Add, {vision}: EmuConfig): void {
  const {imageSize, patchSize, width, mlpRatio} = vision;
  const mlpWidth = Math.floor(width * mlpRatio);
  add('visual.cls_token', 1, 1, width);
  add('visual.pos_embed', 1, (imageSize / patchSize) ** 2 + 1, width);
  if (vision.stem) addStem(add, vision.stem, width);
  else {
    add('visual.patch_embed.proj.weight', width, 3, patchSize, patchSize);
    add('visual.patch_embed.proj.bias', width);
  }
  for (let layer = 0; layer < vision.layers; layer++) {
    const block = `visual.blocks.${layer}`;
    for (const norm of ['norm1', 'norm2']) {
      add(`${block}.${norm}.weight`, width);
      add(`${block}.${norm}.bias`, width);
    }
    add(`${block}.attn.q_bias`, width);
    add(`${block}.attn.v_bias`, width);
    add(`${block}.attn.qkv.weight`, 3 * width, width);
    add(`${block}.attn.proj.weight`, width, width);
    add(`${block}.attn.proj.bias`, width);
    add(`${block}.mlp.fc1.weight`, mlpWidth, width);
    add(`${block}.mlp.fc1.bias`, mlpWidth);
    add(`${block}.mlp.fc2.weight`, width, mlpWidth);
    add(`${block}.mlp.fc2.bias`, width);
  }
  add('ln_visual.weight', width);
  add('ln_visual.bias', width);
}

/** The names of src/model/convStem.ts. */
function addStem(add: Add, stem: NonNullable<EmuConfig['vision']['stem']>, width: number): void {
  const prefix = 'visual.patch_embed';
  const addConvolution = (name: string, inChannels: number, outChannels: number) => {
    add(`${name}.conv.weight`, outChannels, inChannels, 3, 3);
    for (const part of ['weight', 'bias', 'running_mean', 'running_var'])
      add(`${name}.norm.${part}`, outChannels);
  };
  let inChannels = 3;
  for (const [i, channels] of stem.channels.entries()) {
    addConvolution(`${prefix}.stages.${i}.down`, inChannels, channels);
    for (let block = 0; block < (stem.blocks[i] ?? 0); block++)
      for (const half of [0, 1])
        addConvolution(`${prefix}.stages.${i}.blocks.${block}.${half}`, channels, channels);
    inChannels = channels;
  }
  add(`${prefix}.proj.weight`, width, inChannels);
  add(`${prefix}.proj.bias`, width);
  add(`${prefix}.norm.weight`, width);
  add(`${prefix}.norm.bias`, width);
}

function addCausalFormer(add: Add, {vision, causalFormer, llama}: EmuConfig): void {
  const {numTokens, hiddenSize, numHeads, headDim, intermediateSize, relativeBuckets} =
    causalFormer;
  const inner = numHeads * headDim;
  const stack = 'cformer.cformer';
  add('cformer.causal_tokens', 1, numTokens, hiddenSize);
  // Learned in block 0 only; all blocks share it.
  add(
    `${stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight`,
    relativeBuckets,
    numHeads,
  );
  for (let layer = 0; layer < causalFormer.layers; layer++) {
    const block = `${stack}.block.${layer}.layer`;
    for (const [attention, keySize] of [
      ['0.SelfAttention', hiddenSize],
      ['1.EncDecAttention', vision.width],
    ] as const) {
      add(`${block}.${attention}.q.weight`, inner, hiddenSize);
      add(`${block}.${attention}.k.weight`, inner, keySize);
      add(`${block}.${attention}.v.weight`, inner, keySize);
      add(`${block}.${attention}.o.weight`, hiddenSize, inner);
    }
    add(`${block}.2.DenseReluDense.wi.weight`, intermediateSize, hiddenSize);
    add(`${block}.2.DenseReluDense.wo.weight`, hiddenSize, intermediateSize);
    for (const part of [0, 1, 2]) add(`${block}.${part}.layer_norm.weight`, hiddenSize);
  }
  add(`${stack}.final_layer_norm.weight`, hiddenSize);
  add('cformer.projection.weight', llama.hiddenSize, hiddenSize);
  add('cformer.projection.bias', llama.hiddenSize);
}

function addLlama(add: Add, config: EmuConfig): void {
  const {llama, lora} = config;
  const {vocabSize, hiddenSize, intermediateSize} = llama;
  const prefix = llamaPrefix(config);
  add(`${prefix}.model.embed_tokens.weight`, vocabSize, hiddenSize);
  if (lora?.tokenRows) add('embed_rows', lora.tokenRows.length, hiddenSize);
  for (let layer = 0; layer < llama.layers; layer++) {
    const block = `${prefix}.model.layers.${layer}`;
    for (const name of ['q_proj', 'k_proj', 'v_proj', 'o_proj']) {
      const projection = `${block}.self_attn.${name}`;
      add(`${projection}.weight`, hiddenSize, hiddenSize);
      if (!lora) continue;
      add(`${projection}.lora_A.default.weight`, lora.rank, hiddenSize);
      add(`${projection}.lora_B.default.weight`, hiddenSize, lora.rank);
    }
    add(`${block}.mlp.gate_proj.weight`, intermediateSize, hiddenSize);
    add(`${block}.mlp.up_proj.weight`, intermediateSize, hiddenSize);
    add(`${block}.mlp.down_proj.weight`, hiddenSize, intermediateSize);
    add(`${block}.input_layernorm.weight`, hiddenSize);
    add(`${block}.post_attention_layernorm.weight`, hiddenSize);
  }
  add(`${prefix}.model.norm.weight`, hiddenSize);
  add(`${prefix}.lm_head.weight`, vocabSize, hiddenSize);
  add(`${prefix}.stu_regress_head.weight`, hiddenSize, hiddenSize);
}
