// Random weights of a given size: speed can be measured without a checkpoint.
import type tf from '#tfjs';
import {type Encoding, encodingBytes} from '../kernels/native/addon.js';
import {makeWeight} from '../kernels/weight.js';
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

/** Random signs and mantissas under one exponent, 2^-6: no value is 0, denormal or large. */
const patterns: Record<Encoding, {base: number; mask: number}> = {
  f32: {base: 0x3c800000, mask: 0x807fffff},
  bf16: {base: 0x3c80, mask: 0x807f},
  f16: {base: 0x2400, mask: 0x83ff},
};

function fill(bytes: number, encoding: Encoding): Uint8Array {
  const {base, mask} = patterns[encoding];
  const words = encoding === 'f32' ? new Uint32Array(bytes / 4) : new Uint16Array(bytes / 2);
  let state = 1;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // The generator's low bits have short periods.
    const bits = encoding === 'f32' ? state : state >>> 16;
    words[i] = base | (bits & mask);
  }
  return new Uint8Array(words.buffer);
}

/**
 * Every tensor is there, in any shape. Tensors of one size share their numbers, so that Emu-14B in
 * f32 fits into 2 GB; a step still reads each of them from memory, for they exceed the caches.
 */
export class SyntheticWeights implements WeightSource {
  constructor(
    private readonly encoding: Encoding,
    private readonly pool: Map<number, Uint8Array> = new Map(),
  ) {}

  tensor(_name: string, shape: readonly number[]): tf.Tensor {
    const bytes = shape.reduce((product, size) => product * size, encodingBytes[this.encoding]);
    let data = this.pool.get(bytes);
    if (!data) {
      data = fill(bytes, this.encoding);
      this.pool.set(bytes, data);
    }
    return makeWeight(data, this.encoding, [...shape]);
  }

  scope(): WeightSource {
    return this;
  }
}
