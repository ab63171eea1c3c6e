// Random weights of a given size: speed can be measured without a checkpoint.
import type tf from '#tfjs';
import {blockBytes, isQuantized, type QuantizedEncoding} from '../kernels/blocks.js';
import {encodedBytes, hasWholeBlocks} from '../kernels/encoding.js';
import {type Encoding, makeWeight} from '../kernels/weight.js';
import type {EmuConfig} from '../model/emu.js';
import type {WeightSource} from '../model/layers.js';
import {emu14b} from '../weights/config.js';

export const syntheticSizes = ['emu-14b', 'tiny'] as const;
export type SyntheticSize = (typeof syntheticSizes)[number];

/** The same structure at the sizes of a test. */
const tiny: EmuConfig = {
  vision: {
    imageSize: 56,
    patchSize: 14,
    layers: 3,
    width: 80,
    headWidth: 20,
    mlpRatio: 4.3637,
    layerNormEps: 1e-6,
  },
  causalFormer: {
    numTokens: 8,
    layers: 2,
    hiddenSize: 32,
    numHeads: 4,
    headDim: 12,
    intermediateSize: 72,
    relativeBuckets: 32,
    relativeMaxDistance: 128,
    rmsNormEps: 1e-6,
  },
  llama: {
    vocabSize: 32004,
    hiddenSize: 64,
    layers: 3,
    numHeads: 4,
    intermediateSize: 176,
    rmsNormEps: 1e-6,
    ropeBase: 10000,
    contextLength: 2048,
  },
};

export function syntheticConfig(size: SyntheticSize): EmuConfig {
  return size === 'tiny' ? tiny : emu14b('pretrain');
}

type FloatEncoding = Exclude<Encoding, QuantizedEncoding>;

/** Random signs and mantissas under one exponent, 2^-6: no value is 0, denormal or large. */
const patterns: Record<FloatEncoding, {base: number; mask: number}> = {
  f32: {base: 0x3c800000, mask: 0x807fffff},
  bf16: {base: 0x3c80, mask: 0x807f},
  f16: {base: 0x2400, mask: 0x83ff},
};

function fill(bytes: number, encoding: Encoding): Uint8Array {
  if (isQuantized(encoding)) return fillBlocks(bytes, encoding);
  const {base, mask} = patterns[encoding];
  const words = encoding === 'f32' ? new Uint32Array(bytes / 4) : new Uint16Array(bytes / 2);
  const random = randomBits();
  // The generator's low bits have short periods.
  const shift = encoding === 'f32' ? 0 : 16;
  for (let i = 0; i < words.length; i++) words[i] = base | ((random() >>> shift) & mask);
  return new Uint8Array(words.buffer);
}

/** The halves at a block's start: with them random whole numbers are of the size of the other encodings'. */
const blockHeads: Record<QuantizedEncoding, readonly number[]> = {
  q8_0: [0x0c00], // 2^-12
  q4_0: [0x1c00], // 2^-8
  q4_1: [0x1c00, 0xa800], // 2^-8, from -2^-5 on
};

function fillBlocks(bytes: number, encoding: QuantizedEncoding): Uint8Array {
  const halves = new Uint16Array(bytes / 2);
  const random = randomBits();
  for (let i = 0; i < halves.length; i++) halves[i] = random() >>> 16;
  const head = blockHeads[encoding];
  for (let start = 0; start < halves.length; start += blockBytes[encoding] / 2) {
    halves.set(head, start);
  }
  return new Uint8Array(halves.buffer);
}

/** How a tensor of a model in `encoding` is stored: as a quantized model's, vectors and what has no whole blocks in f16. */
export function encodingFor(encoding: Encoding, shape: readonly number[]): Encoding {
  const isBlocks = shape.length > 1 && hasWholeBlocks(encoding, shape);
  return isBlocks || !isQuantized(encoding) ? encoding : 'f16';
}

function randomBits(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
}

/**
 * Every tensor is there, in any shape. Tensors of one size share their numbers, so that Emu-14B in
 * f32 fits into 2 GB; a step still reads each of them from memory, for they exceed the caches. Of a quantized
 * model vectors, and what has no whole blocks, are in f16.
 */
export class SyntheticWeights implements WeightSource {
  constructor(
    private readonly encoding: Encoding,
    private readonly pool: Map<string, Uint8Array> = new Map(),
  ) {}

  tensor(_name: string, shape: readonly number[]): tf.Tensor {
    const encoding = encodingFor(this.encoding, shape);
    const bytes = encodedBytes(encoding, shape);
    const key = `${encoding} ${bytes}`;
    let data = this.pool.get(key);
    if (!data) {
      data = fill(bytes, encoding);
      this.pool.set(key, data);
    }
    return makeWeight(data, encoding, [...shape]);
  }

  scope(): WeightSource {
    return this;
  }
}
