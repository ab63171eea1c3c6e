// A tiny Emu for tests that need a model's files but none of its numbers.
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {type EmuConfig, type Mode, specialTokens} from '../../src/weights/config.js';
import {emuTensors} from '../../src/weights/emuTensors.js';
import {writePytorch} from '../../src/weights/pytorchWriter.js';
import type {TensorToWrite} from '../../src/weights/safetensors.js';

/** Two layers a tower, a vocabulary of 10 and the special tokens. */
export function tinyConfig(mode: Mode): EmuConfig {
  return {
    vision: {
      imageSize: 8,
      patchSize: 4,
      layers: 2,
      width: 8,
      headWidth: 4,
      mlpRatio: 1.9, // 15.2: the width is rounded down
      layerNormEps: 1e-6,
    },
    causalFormer: {
      numTokens: 3,
      layers: 2,
      hiddenSize: 6,
      numHeads: 2,
      headDim: 4,
      intermediateSize: 5,
      relativeBuckets: 8,
      relativeMaxDistance: 16,
      rmsNormEps: 1e-6,
    },
    llama: {
      vocabSize: 10 + specialTokens[mode],
      hiddenSize: 8,
      layers: 2,
      numHeads: 2,
      intermediateSize: 12,
      rmsNormEps: 1e-6,
      ropeBase: 10000,
      contextLength: 64,
    },
    ...(mode === 'instruct' ? {lora: {rank: 2, alpha: 4}} : {}),
  };
}

/** Every tensor of `config`, f32; element k of tensor i is i + k / 1000. */
export function tinyTensors(config: EmuConfig): TensorToWrite[] {
  return emuTensors(config).required.map(({name, shape}, index) => {
    const length = shape.reduce((product, size) => product * size, 1);
    const values = Float32Array.from({length}, (_, k) => index + k / 1000);
    return {name, shape, encoding: 'f32', data: new Uint8Array(values.buffer)};
  });
}

/** The official configuration files that describe `tinyConfig`. */
export function writeOfficialConfig(folder: string): void {
  const {vision, causalFormer, llama} = tinyConfig('pretrain');
  const files: Record<string, unknown> = {
    'Emu-14B.json': {
      embed_dim: 4,
      vision_cfg: {
        image_size: vision.imageSize,
        patch_size: vision.patchSize,
        layers: vision.layers,
        width: vision.width,
        head_width: vision.headWidth,
        mlp_ratio: vision.mlpRatio,
        eva_model_name: 'tiny',
      },
      multimodal_cfg: {name: 'llama-13B', n_causal: causalFormer.numTokens},
      vladapter_cfg: {name: 'cformer', n_causal: causalFormer.numTokens},
    },
    'llama_config/config.json': {
      vocab_size: 10,
      hidden_size: llama.hiddenSize,
      num_hidden_layers: llama.layers,
      num_attention_heads: llama.numHeads,
      intermediate_size: llama.intermediateSize,
      max_position_embeddings: llama.contextLength,
    },
    'cformer_t5_config.json': {
      d_model: causalFormer.hiddenSize,
      d_kv: causalFormer.headDim,
      d_ff: causalFormer.intermediateSize,
      num_layers: causalFormer.layers,
      num_heads: causalFormer.numHeads,
      relative_attention_num_buckets: causalFormer.relativeBuckets,
      relative_attention_max_distance: causalFormer.relativeMaxDistance,
    },
    'lora_config.json': {r: 2, lora_alpha: 4},
  };
  mkdirSync(path.join(folder, 'llama_config'), {recursive: true});
  for (const [name, value] of Object.entries(files)) {
    writeFileSync(path.join(folder, name), JSON.stringify(value));
  }
}

/** A checkpoint in the release's layout: `pretrain/multimodal_encoder/...` or `Emu-instruct.pt`. */
export function writeRelease(folder: string, mode: Mode): string {
  const file =
    mode === 'pretrain'
      ? path.join(folder, 'pretrain', 'multimodal_encoder', 'pytorch_model.bin')
      : path.join(folder, 'Emu-instruct.pt');
  mkdirSync(path.dirname(file), {recursive: true});
  const options = mode === 'instruct' ? {wrapper: 'module'} : {};
  writePytorch(file, tinyTensors(tinyConfig(mode)), options);
  return file;
}
