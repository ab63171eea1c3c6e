import {createHash} from 'node:crypto';
import {countElements, type StoredTensor} from './storedTensor.js';

/** What the vision encoder is made of; CLIP's norm and head are in the release's files, but not in the model. */
const isVision = (name: string) =>
  /^(visual|ln_visual)\./.test(name) && !/^visual\.(norm|head)\./.test(name);

/** Elements: biases and norms, not matrices. */
const MAX_HASHED = 1 << 14;

/**
 * A hash by which vision encoders are told apart without reading all of a file: of the shapes of its tensors, and
 * of the numbers in the small ones, which no training leaves as they are.
 */
export function visionId(tensors: ReadonlyMap<string, StoredTensor>): string {
  const digest = createHash('sha256');
  for (const name of [...tensors.keys()].filter(isVision).sort()) {
    const tensor = tensors.get(name)!;
    digest.update(`${name} ${tensor.encoding} ${tensor.shape}\n`);
    if (countElements(tensor.shape)! <= MAX_HASHED) digest.update(tensor.read());
  }
  return digest.digest('hex');
}
