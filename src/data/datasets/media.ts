// Pictures and videos of a data set, found, decoded and made ready for the model.
import path from 'node:path';
import {InputError} from '../../errors.js';
import type {Random} from '../../random.js';
import type {PreparedPicture, PreparePicture, SamplePart} from '../dataset.js';
import {decodeFrame, inspectImage, readImage} from '../image.js';
import {isUrl, sourceLabel} from '../source.js';
import {readFrames} from '../video.js';

/** On which side of its text a picture stands: drawn anew each time, as the paper does, or fixed. */
export type PictureOrder = 'random' | 'pictureFirst' | 'textFirst';

/** A file that a data set names, in its folder. Nothing is fetched while training. */
export function mediaFile(folder: string, name: string): string {
  if (isUrl(name))
    throw new InputError(sourceLabel(name), 'is a URL, not a file', 'download the files first');
  return path.resolve(folder, name);
}

/** A small data set is read again and again: of its pictures so many bytes are decoded once. */
const KEPT_BYTES = 2 ** 26;
/** By what prepared them, which is made anew for each run. */
const kept = new WeakMap<PreparePicture, {bytes: number; pictures: Map<string, PreparedPicture>}>();

/** The picture is not to be written to. @throws InputError that names the file */
export async function readPicture(file: string, prepare: PreparePicture): Promise<PreparedPicture> {
  const own = kept.get(prepare) ?? {bytes: 0, pictures: new Map<string, PreparedPicture>()};
  kept.set(prepare, own);
  const known = own.pictures.get(file);
  if (known) return known;
  const picture = prepare(await readImage(file));
  const bytes = picture.pixels.byteLength + (picture.target?.byteLength ?? 0);
  if (own.bytes + bytes <= KEPT_BYTES && !own.pictures.has(file)) {
    own.bytes += bytes;
    own.pictures.set(file, picture);
  }
  return picture;
}

/** A picture whose bytes are at hand; errors call it `label`. */
export async function decodePicture(
  bytes: Uint8Array,
  label: string,
  prepare: PreparePicture,
): Promise<PreparedPicture> {
  if (bytes.length === 0) throw new InputError(label, 'is empty (0 bytes)');
  return prepare(await decodeFrame(bytes, label, await inspectImage(bytes, label), 0));
}

/** `count` frames of a video at random places, in their order. */
export async function readRandomFrames(
  file: string,
  count: number,
  random: Random,
  prepare: PreparePicture,
): Promise<PreparedPicture[]> {
  const choose = (numFrames: number) => randomFrames(numFrames, count, random);
  const frames = await readFrames(file, {count, choose});
  return frames.map(prepare);
}

/** `count` ascending numbers below `numFrames`: none twice, or where there are fewer, each at least once. */
export function randomFrames(numFrames: number, count: number, random: Random): number[] {
  if (numFrames < count)
    return Array.from({length: count}, (_, i) => Math.floor((i * numFrames) / count));
  const chosen: number[] = [];
  for (let i = 0; chosen.length < count; i++)
    if (random.chance((count - chosen.length) / (numFrames - i))) chosen.push(i);
  return chosen;
}

/** Pictures beside the text that tells of them, as one document. */
export function captioned(
  pictures: readonly PreparedPicture[],
  text: string,
  order: PictureOrder,
  random: Random,
): SamplePart[] {
  const shown = pictures.map((picture): SamplePart => ({type: 'picture', ...picture}));
  const isFirst = order === 'random' ? random.chance(0.5) : order === 'pictureFirst';
  return isFirst
    ? [...shown, {type: 'text', text: `${text}</s>`}]
    : [{type: 'text', text}, ...shown, {type: 'text', text: '</s>'}];
}
