// A base and its instruction tuning as one model: under peft's names as in Emu-instruct.pt, or with the LoRA
// matrices merged into the weights they adapt.
import {encode} from '../kernels/encoding.js';
import type {EmuConfig} from './config.js';
import {isVocabularyTable} from './emuTensors.js';
import type {TensorToWrite} from './safetensors.js';
import {type FloatEncoding, floatsOf, reencoded} from './tensorsToWrite.js';
import {baseName, wrappedName} from './tuning.js';

/** A model's sizes with its tensors. */
export interface ModelTensors {
  readonly config: EmuConfig;
  readonly tensors: readonly TensorToWrite[];
}

/**
 * Every tensor of the instruct model: the base's under peft's names, the tuning's LoRA matrices, and tables with
 * a row for each token, those of the tuned ones in their places. Tables get `encoding`, or keep their own.
 */
export function wholeInstruct(
  base: ModelTensors,
  tuning: ModelTensors,
  encoding?: FloatEncoding,
): ModelTensors {
  const {tokenRows = [], ...lora} = tuning.config.lora!;
  const {llama} = base.config;
  const {vocabSize: ownRows} = tuning.config.llama; // more than the base's where it has tables
  const vocabSize = ownRows + tokenRows.filter((id) => id >= ownRows).length;
  const rows = tuning.tensors.find(({name}) => name === 'embed_rows');
  const matrices = tuning.tensors.filter((tensor) => tensor !== rows);
  const tuned = new Set(matrices.map(({name}) => name));
  const frozen = base.tensors
    .map((tensor) => ({...tensor, name: wrappedName(tensor.name)}))
    .filter(({name}) => !tuned.has(name))
    .map((tensor) => {
      if (!rows || !isVocabularyTable(tensor.name)) return tensor;
      const target = encoding ?? (tensor.encoding as FloatEncoding);
      const isEmbedding = tensor.name.endsWith('embed_tokens.weight');
      return withRows(tensor, target, vocabSize, isEmbedding ? {ids: tokenRows, rows} : undefined);
    });
  return {
    config: {...base.config, llama: {...llama, vocabSize}, lora},
    tensors: [...frozen, ...matrices],
  };
}

/** A vocabulary table with a row for each of `vocabSize` tokens: new ones hold the mean row, or what is given. */
function withRows(
  table: TensorToWrite,
  encoding: FloatEncoding,
  vocabSize: number,
  tuned: {ids: readonly number[]; rows: TensorToWrite} | undefined,
): TensorToWrite {
  const [numRows, size] = table.shape as [number, number];
  if (numRows === vocabSize && !tuned) return reencoded(table, encoding);
  const data = () => {
    const old = floatsOf(table);
    const grown = new Float32Array(vocabSize * size);
    grown.set(old);
    if (vocabSize > numRows) {
      const mean = meanRow(old, size);
      for (let row = numRows; row < vocabSize; row++) grown.set(mean, row * size);
    }
    const rows = tuned && floatsOf(tuned.rows);
    for (const [i, id] of tuned?.ids.entries() ?? [])
      grown.set(rows!.subarray(i * size, (i + 1) * size), id * size);
    return encode(grown, encoding);
  };
  return {...table, encoding, shape: [vocabSize, size], data};
}

function meanRow(table: Float32Array, size: number): Float32Array {
  const sums = new Float64Array(size);
  for (let at = 0; at < table.length; at += size)
    for (let column = 0; column < size; column++) sums[column]! += table[at + column]!;
  return Float32Array.from(sums, (sum) => sum / (table.length / size));
}

/**
 * The instruct model without LoRA matrices: W + alpha / rank · B A in their place, in float32, then in
 * `encoding`, as all tensors, or W's own.
 */
export function mergeLora({config, tensors}: ModelTensors, encoding?: FloatEncoding): ModelTensors {
  const {lora, ...plain} = config;
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const merged = tensors.flatMap((tensor) => {
    if (/\.lora_[AB]\./.test(tensor.name)) return [];
    const module = tensor.name.replace(/\.weight$/, '');
    const a = byName.get(`${module}.lora_A.default.weight`);
    const b = byName.get(`${module}.lora_B.default.weight`);
    const {name} = tensor;
    const plainName = baseName(name, false);
    const target = encoding ?? (tensor.encoding as FloatEncoding);
    if (!a || !b) return [{...reencoded(tensor, target), name: plainName}];
    const data = () =>
      encode(addProduct(floatsOf(tensor), floatsOf(b), floatsOf(a), lora!), target);
    return [{name: plainName, shape: tensor.shape, encoding: target, data}];
  });
  return {config: plain, tensors: merged};
}

/** W [m, n] + alpha / rank · B [m, rank] A [rank, n], into W. */
function addProduct(
  w: Float32Array,
  b: Float32Array,
  a: Float32Array,
  {rank, alpha}: {readonly rank: number; readonly alpha: number},
): Float32Array {
  const columns = a.length / rank;
  const row = new Float64Array(columns);
  for (let i = 0; i * columns < w.length; i++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = b[i * rank + r]!;
      for (let j = 0; j < columns; j++) row[j]! += factor * a[r * columns + j]!;
    }
    for (let j = 0; j < columns; j++) w[i * columns + j]! += (alpha / rank) * row[j]!;
  }
  return w;
}
