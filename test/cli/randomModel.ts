// A small Emu of random weights in emu's own layout: commands can be run where no trained model is.
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import type {EmuConfig} from '../../src/weights/config.js';
import {formatConfig} from '../../src/weights/config.js';
import {emuTensors} from '../../src/weights/emuTensors.js';
import {writeSafetensors} from '../../src/weights/safetensors.js';

const specials = ['<unk>', '<s>', '</s>', '[PAD]', '[IMG]', '[/IMG]', '<image>'];
const words = 'a the red blue green dog cat tree house apple on in under near big small'.split(' ');
const tokens = [...specials, ...words];

const config: EmuConfig = {
  vision: {
    imageSize: 16,
    patchSize: 4,
    layers: 2,
    width: 16,
    headWidth: 8,
    mlpRatio: 2,
    layerNormEps: 1e-6,
  },
  causalFormer: {
    numTokens: 2,
    layers: 2,
    hiddenSize: 16,
    numHeads: 2,
    headDim: 8,
    intermediateSize: 16,
    relativeBuckets: 8,
    relativeMaxDistance: 16,
    rmsNormEps: 1e-6,
  },
  llama: {
    vocabSize: tokens.length,
    hiddenSize: 16,
    layers: 2,
    numHeads: 2,
    intermediateSize: 32,
    rmsNormEps: 1e-6,
    ropeBase: 10000,
    contextLength: 100_000,
  },
};

/** Rows of the embeddings and of the head, by the tokens' words. */
export const tokenId = (token: string): number => tokens.indexOf(token);
export const HIDDEN_SIZE = config.llama.hiddenSize;

/**
 * Writes the model into `folder`, which is then a --model; `change` may set the values of its tensors, by
 * the checkpoint's names.
 */
export function writeRandomModel(
  folder: string,
  change: (name: string, values: Float32Array) => void = () => {},
): string {
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const tensors = emuTensors(config).required.map(({name, shape}) => {
    const length = shape.reduce((product, size) => product * size, 1);
    const values = Float32Array.from({length}, random);
    change(name, values);
    return {name, shape, encoding: 'f32' as const, data: new Uint8Array(values.buffer)};
  });
  mkdirSync(folder, {recursive: true});
  writeSafetensors(path.join(folder, 'model.safetensors'), tensors);
  writeFileSync(path.join(folder, 'config.json'), formatConfig(config, 'pretrain'));
  writeFileSync(path.join(folder, 'vocab.json'), JSON.stringify({tokens}));
  return folder;
}
