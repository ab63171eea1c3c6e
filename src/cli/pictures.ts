// What the words of a command line stand for: pictures and videos, or text.
import {existsSync} from 'node:fs';
import {open} from 'node:fs/promises';
import path from 'node:path';
import {MEDIA_HEAD_BYTES, mediaKind} from '../data/mediaKind.js';
import {isUrl} from '../data/source.js';
import type {Item} from '../emu.js';
import type {PictureFlagValues} from './flags.js';

/** A word of the command line: a text, or where a picture or video is. */
export interface Word {
  readonly type: 'text' | 'file';
  readonly value: string;
}

const videoExtensions = new Set(
  '.mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .ogv .flv .wmv .ts'.split(' '),
);

/** An existing file, `-` or a URL is a picture or video; anything else is text. */
export function readWord(value: string): Word {
  const isFile = value === '-' || isUrl(value) || (!value.includes('\0') && existsSync(value));
  return {type: isFile ? 'file' : 'text', value};
}

/** True for a video: by the first bytes of a file, by the name of a URL. */
export async function isVideo(source: string): Promise<boolean> {
  if (source === '-' || /^data:/i.test(source)) return false;
  if (isUrl(source))
    return videoExtensions.has(path.extname(new URL(source).pathname).toLowerCase());
  let file: Awaited<ReturnType<typeof open>> | undefined;
  try {
    file = await open(source);
    const {buffer, bytesRead} = await file.read(
      Buffer.alloc(MEDIA_HEAD_BYTES),
      0,
      MEDIA_HEAD_BYTES,
    );
    return mediaKind(buffer.subarray(0, bytesRead)) === 'video';
  } catch {
    return false; // reading it as a picture says what is wrong
  } finally {
    await file?.close();
  }
}

const MEGA = 1e6;

/** What the flags say of how pictures are read. */
export function readOptions(flags: PictureFlagValues) {
  return {
    useExif: flags.exif ?? true,
    maxPixels: (flags['max-megapixels'] ?? 100) * MEGA,
    maxDownloadBytes: (flags['max-download'] ?? 20) * MEGA,
    downloadTimeoutMs: (flags.timeout ?? 30) * 1000,
  };
}

export async function readPicture(source: string, flags: PictureFlagValues): Promise<Item> {
  const {readImage} = await import('../data/image.js');
  return {type: 'image', picture: await readImage(source, readOptions(flags))};
}

export async function readVideo(
  source: string,
  flags: PictureFlagValues & {frames?: number},
): Promise<Item> {
  const {readFrames} = await import('../data/video.js');
  const frames = await readFrames(source, {...readOptions(flags), count: flags.frames ?? 8});
  return {type: 'video', frames};
}

/** The items of an interleaved prompt, in order. */
export async function readItem(
  word: Word,
  flags: PictureFlagValues & {frames?: number},
): Promise<Item> {
  if (word.type === 'text') return {type: 'text', text: word.value};
  return (await isVideo(word.value))
    ? readVideo(word.value, flags)
    : readPicture(word.value, flags);
}
