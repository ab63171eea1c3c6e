// An instruction tuning's files: emu's own (LoRA and token rows beside the base), and the whole model as the
// official code loads it.
import path from 'node:path';
import type tf from '#tfjs';
import type {EmuConfig} from '../model/emu.js';
import {writeSafetensors} from '../weights/safetensors.js';
import {storedTensors} from '../weights/tensorsToWrite.js';
import {formatTuning, tuningFile} from '../weights/tuning.js';
import {wholeInstruct} from '../weights/wholeInstruct.js';
import {modelFile, writeDescription, writeOfficial} from '../weights/writeModel.js';
import {encodedTensors} from './encodedTensors.js';
import {officialFolder} from './officialFolder.js';
import {linkOrCopy} from '../weights/writeWhole.js';
import type {InstructSetup} from './stages/instruct.js';

/** Writes the tuning, its base beside it where that is a folder of emu's, and on demand Emu-instruct.pt. */
export function saveTuning(
  folder: string,
  {recipe, initial}: InstructSetup,
  config: EmuConfig,
  values: ReadonlyMap<string, tf.Tensor>,
): void {
  const {encoding, official} = recipe.save;
  const {mode, vocabularyFile, checkpoint} = initial;
  const {path: base} = checkpoint;
  const isOwn = path.basename(base) === modelFile;
  if (isOwn) linkOrCopy(base, path.join(folder, modelFile));
  writeDescription(folder, {config: initial.config, mode, vocabularyFile});
  writeSafetensors(
    path.join(folder, tuningFile),
    encodedTensors(values, encoding),
    formatTuning({lora: config.lora, base: isOwn ? undefined : path.resolve(base)}),
  );
  if (!official) return;
  const whole = wholeInstruct(
    {config: initial.config, tensors: storedTensors(checkpoint)},
    {config, tensors: encodedTensors(values, encoding)},
    encoding,
  );
  const saved = {config: whole.config, mode: 'instruct', vocabularyFile} as const;
  writeOfficial(officialFolder(folder), saved, whole.tensors, encoding);
}
