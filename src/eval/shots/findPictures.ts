import {closeSync, openSync, readdirSync, readSync, statSync} from 'node:fs';
import path from 'node:path';
import {fileProblem} from '../../data/source.js';
import {MEDIA_HEAD_BYTES, mediaKind} from '../../data/mediaKind.js';
import {InputError} from '../../errors.js';

export interface FoundFiles {
  /** Relative to the folder, in the order of their characters; those that only their names call pictures too. */
  readonly pictures: readonly string[];
  readonly videos: number;
  readonly others: number;
}

const pictureName = /\.(png|jpe?g|webp|gif|avif|tiff?|svg)$/i;

function kindOf(file: string): 'image' | 'video' | 'unknown' {
  const head = Buffer.alloc(MEDIA_HEAD_BYTES);
  try {
    const fd = openSync(file, 'r');
    try {
      return mediaKind(head.subarray(0, readSync(fd, head)));
    } finally {
      closeSync(fd);
    }
  } catch {
    return 'unknown'; // reading it as a picture says what is wrong
  }
}

/** The pictures under a folder, at any depth, told by what they hold. Throws InputError. */
export function findPictures(folder: string): FoundFiles {
  let names: string[];
  try {
    if (!statSync(folder).isDirectory())
      throw new InputError(folder, 'is a file', 'name the folder of the pictures');
    names = readdirSync(folder, {recursive: true}).map(String);
  } catch (error) {
    throw error instanceof InputError ? error : fileProblem(folder, error);
  }
  const pictures: string[] = [];
  let videos = 0;
  let others = 0;
  for (const name of names) {
    const file = path.join(folder, name);
    if (!statSync(file, {throwIfNoEntry: false})?.isFile()) continue;
    const kind = kindOf(file);
    if (kind === 'image' || (kind === 'unknown' && pictureName.test(name))) pictures.push(name);
    else if (kind === 'video') videos++;
    else others++;
  }
  return {pictures: pictures.sort(), videos, others};
}
