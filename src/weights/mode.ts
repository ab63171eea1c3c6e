// Which of the two released kinds a checkpoint is, told by its tensors' names.
import {ModelError} from '../errors.js';
import type {Checkpoint} from './checkpoint.js';
import type {Mode} from './config.js';
import {listNames, printable} from './printable.js';
import type {StoredTensor} from './storedTensor.js';

export interface DetectedMode {
  readonly mode: Mode;
  readonly hasLora: boolean;
}

/**
 * instruct: its language model is wrapped by peft and carries LoRA matrices. Throws ModelError if
 * no Emu.
 */
export function detectMode(checkpoint: Checkpoint): DetectedMode {
  const names = [...checkpoint.tensors.keys()];
  if (!names.some((name) => name.startsWith('decoder.lm.'))) {
    throw new ModelError(
      checkpoint.path,
      `no Emu model: none of its ${names.length} tensors is named decoder.lm.* (they begin with ${listNames(names, 2)})`,
      'name multimodal_encoder/pytorch_model.bin or Emu-instruct.pt',
    );
  }
  const hasLora = names.some((name) => name.includes('.lora_A.'));
  const isWrapped = names.some((name) => name.startsWith('decoder.lm.base_model.model.'));
  if (hasLora !== isWrapped) {
    throw new ModelError(
      checkpoint.path,
      isWrapped
        ? 'its language model is wrapped by peft, but has no LoRA matrices'
        : 'it has LoRA matrices, but its language model is not named as peft does (decoder.lm.base_model.model.*)',
      'write the whole state_dict() of the instruct model',
    );
  }
  return {mode: hasLora ? 'instruct' : 'pretrain', hasLora};
}

/** What a checkpoint of that kind is called in the release. */
export const releaseFiles: Readonly<Record<Mode, string>> = {
  pretrain: 'pretrain/multimodal_encoder/pytorch_model.bin',
  instruct: 'Emu-instruct.pt',
};

/** Throws ModelError when the checkpoint is of the other kind, naming the file that is meant. */
export function requireMode(checkpoint: Checkpoint, found: Mode, wanted: Mode): void {
  if (found === wanted) return;
  const signs = {pretrain: 'no LoRA matrices', instruct: 'LoRA matrices'};
  throw new ModelError(
    checkpoint.path,
    `a checkpoint of ${found} mode (it has ${signs[found]}), but ${wanted} mode is asked for here`,
    `name ${releaseFiles[wanted]} of the release instead`,
  );
}

const BASE_LAYER = '.base_layer.';

/**
 * peft >= 0.7 calls a wrapped projection's own weight `q_proj.base_layer.weight`; up to 0.6, and
 * here, it is `q_proj.weight`. Renames exactly these, each beside its LoRA matrices; anything else
 * peft may have written (other adapters, other wrapped layers) is a ModelError.
 */
export function withPlainPeftNames(checkpoint: Checkpoint): Checkpoint {
  const names = [...checkpoint.tensors.keys()];
  for (const name of names) {
    const adapter = /\.lora_[AB]\.(?:(.+)\.)?weight$/.exec(name);
    if (adapter && adapter[1] !== 'default') {
      throw new ModelError(
        checkpoint.path,
        `${printable(name)}: expected peft's adapter "default", got ${adapter[1] === undefined ? 'none' : `"${printable(adapter[1])}"`}`,
        'write the whole state_dict() of the instruct model, with the one adapter "default"',
      );
    }
  }
  if (!names.some((name) => name.includes(BASE_LAYER))) return checkpoint;
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of checkpoint.tensors) {
    const plain = name.includes(BASE_LAYER) ? plainName(checkpoint, name) : name;
    if (tensors.has(plain) || (plain !== name && checkpoint.tensors.has(plain))) {
      throw new ModelError(
        checkpoint.path,
        `it has both ${printable(name)} and ${printable(plain)}`,
      );
    }
    tensors.set(plain, renamed(tensor, plain));
  }
  return {...checkpoint, tensors};
}

function plainName(checkpoint: Checkpoint, name: string): string {
  const projection = /^(.+\.[qkvo]_proj)\.base_layer\.weight$/.exec(name)?.[1];
  if (projection && checkpoint.tensors.has(`${projection}.lora_A.default.weight`)) {
    return `${projection}.weight`;
  }
  throw new ModelError(
    checkpoint.path,
    `${printable(name)} is named as peft >= 0.7 names a wrapped layer, but is no q, k, v or o projection with LoRA matrices`,
    'write the checkpoint with peft 0.6 or with emu',
  );
}

function renamed(tensor: StoredTensor, name: string): StoredTensor {
  const {shape, encoding, strides} = tensor;
  return {name, shape, encoding, strides, read: () => tensor.read()};
}
