import {openCheckpoint} from '../weights/checkpoint.js';
import {decodeFloat32} from '../weights/decode.js';
import {InputError} from '../errors.js';

const names = ['latents', 'initial_latents'];

export interface Latents {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The noise to start a drawing from. Throws InputError for a file that has none. */
export function readLatents(file: string): Latents {
  const checkpoint = openCheckpoint(file);
  try {
    const stored = names.flatMap((name) => checkpoint.tensors.get(name) ?? [])[0];
    if (!stored)
      throw new InputError(file, `has no tensor ${names.join(' or ')}`, 'name one that has');
    return {shape: stored.shape, data: decodeFloat32(stored.read(), stored.encoding)};
  } finally {
    checkpoint.close();
  }
}
