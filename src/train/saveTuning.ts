// An instruction tuning's files: emu's own (LoRA and token rows beside the base), and the whole model as the
// official code loads it.
import path from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import {encode} from '../kernels/encoding.js';
import type {EmuConfig} from '../model/emu.js';
import {decodeFloat32} from '../weights/decode.js';
import {llamaPrefix} from '../weights/emuTensors.js';
import {type TensorToWrite, writeSafetensors} from '../weights/safetensors.js';
import type {StoredTensor} from '../weights/storedTensor.js';
import {formatTuning, tuningFile} from '../weights/tuning.js';
import type {InstructSetup} from './stages/instruct.js';
import {
  encodedTensors,
  shareFile,
  storedTensor,
  writeDescription,
  writeOfficialInstruct,
} from './saveModel.js';
import {isVocabularyTable} from './vocabulary.js';

/** Writes the tuning, its base beside it where that is a folder of emu's, and on demand Emu-instruct.pt. */
export function saveTuning(
  folder: string,
  setup: InstructSetup,
  config: EmuConfig,
  values: ReadonlyMap<string, tf.Tensor>,
): void {
  const {recipe, initial} = setup;
  const {encoding, official} = recipe.save;
  const {path: base} = initial.checkpoint;
  const isOwn = path.basename(base) === 'model.safetensors';
  if (isOwn) shareFile(base, path.join(folder, 'model.safetensors'));
  const {mode, vocabularyFile} = initial;
  writeDescription(folder, {config: initial.config, mode, vocabularyFile});
  writeSafetensors(
    path.join(folder, tuningFile),
    encodedTensors(values, encoding),
    formatTuning(config, isOwn ? undefined : path.resolve(base)),
  );
  if (official) writeOfficialInstruct(folder, instructTensors(setup, config, values));
}

/** Every tensor of Emu-instruct.pt: the base under peft's names, LoRA, and tables with the turn tokens. */
function instructTensors(
  {initial, recipe, tokenizer}: InstructSetup,
  config: EmuConfig,
  values: ReadonlyMap<string, tf.Tensor>,
): TensorToWrite[] {
  const from = `${llamaPrefix(initial.config)}.`;
  const to = `${llamaPrefix(config)}.`;
  const rename = (name: string) =>
    name.startsWith(from) ? `${to}${name.slice(from.length)}` : name;
  const rows = values.get('embed_rows');
  const base = [...initial.checkpoint.tensors.values()].flatMap((stored) => {
    const name = rename(stored.name);
    if (values.has(name)) return [];
    const tensor = {...storedTensor(stored), name};
    if (!rows || !isVocabularyTable(name)) return [tensor];
    const isEmbedding = name.endsWith('embed_tokens.weight');
    return [
      withRows(
        tensor,
        stored,
        tokenizer.vocabSize,
        isEmbedding
          ? {ids: config.lora!.tokenRows!, values: rows.dataSync() as Float32Array}
          : undefined,
      ),
    ];
  });
  const lora = new Map([...values].filter(([name]) => name !== 'embed_rows'));
  return [...base, ...encodedTensors(lora, recipe.save.encoding)];
}

/** A vocabulary table with a row for each of `vocabSize` tokens: new ones hold the mean row, or what is given. */
function withRows(
  tensor: TensorToWrite,
  stored: StoredTensor,
  vocabSize: number,
  rows: {ids: readonly number[]; values: Float32Array} | undefined,
): TensorToWrite {
  const [numRows, size] = stored.shape as [number, number];
  if (numRows === vocabSize && !rows) return tensor;
  const encoding = stored.encoding as 'f32' | 'f16' | 'bf16';
  const data = () => {
    const old = decodeFloat32(stored.read(), stored.encoding);
    const grown = new Float32Array(vocabSize * size);
    grown.set(old);
    for (let column = 0; column < size; column++) {
      let sum = 0;
      for (let row = 0; row < numRows; row++) sum += old[row * size + column]!;
      for (let row = numRows; row < vocabSize; row++) grown[row * size + column] = sum / numRows;
    }
    for (const [i, id] of rows?.ids.entries() ?? [])
      grown.set(rows!.values.subarray(i * size, (i + 1) * size), id * size);
    return encode(grown, encoding);
  };
  return {...tensor, shape: [vocabSize, size], data};
}
