// A benchmark's picture or video as the model is shown it.
import {readImage} from '../data/image.js';
import type {Picture} from '../data/picture.js';
import {resizeBicubic} from '../data/resize.js';
import {readFrames} from '../data/video.js';
import type {Item} from '../emu.js';
import type {Benchmark} from './benchmark.js';

/** The official number of a video's frames. */
const FRAMES = 8;

/** Made small here, while the model computes: to the size that it has already it changes nothing there. */
export function shrink(picture: Picture, imageSize: number): Picture {
  return resizeBicubic(picture, imageSize, imageSize);
}

/** Throws InputError for a file that cannot be read. */
export async function readShown(
  file: string,
  media: Benchmark['media'],
  imageSize: number,
): Promise<Item> {
  if (media === 'video') {
    const frames = await readFrames(file, {count: FRAMES});
    return {type: 'video', frames: frames.map((frame) => shrink(frame, imageSize))};
  }
  return {type: 'image', picture: shrink(await readImage(file), imageSize)};
}
