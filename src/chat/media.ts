// Pictures and videos of a conversation: read once from where the person has them, kept in the
// session's folder, and read from there whenever the model is to see them again.
import sharp from 'sharp';
import {isVideo} from '../cli/pictures.js';
import {decodeFrame, inspectImage, type ReadImageOptions, readImage} from '../data/image.js';
import type {Picture} from '../data/picture.js';
import {readSource} from '../data/source.js';
import {readFrames} from '../data/video.js';
import type {ChatPart} from './chatModel.js';
import type {ChatStore} from './store.js';
import type {TurnAnswer, UserMedia, UserPart} from './transcript.js';

export interface MediaOptions extends ReadImageOptions {
  /** Frames of a video. */
  readonly frames: number;
}

/** A picture or video as it was read: what the transcript says of it, and its first picture. */
export interface ReadMedia {
  readonly media: UserMedia;
  readonly picture: Picture;
}

/** Quick to write: the files of a video's frames are many. */
function framePng({width, height, data}: Picture): Promise<Buffer> {
  return sharp(data, {raw: {width, height, channels: 3}})
    .png({compressionLevel: 3})
    .toBuffer();
}

/**
 * Reads a picture or video and keeps it in `store`: a picture's own file, a video's frames. InputError
 * for what is neither.
 * @param source a path, `-`, a URL, or the file itself, which is then called `name`
 */
export async function keepMedia(
  store: ChatStore,
  source: string | Uint8Array,
  options: MediaOptions,
  wanted?: 'video',
  name = String(source),
): Promise<ReadMedia> {
  const exif = options.useExif ?? true;
  if (wanted === 'video' || (typeof source === 'string' && (await isVideo(source)))) {
    const frames = await readFrames(source as string, {...options, count: options.frames});
    const files: string[] = [];
    for (const frame of frames) files.push(store.keep(await framePng(frame), 'png'));
    const picture = frames[0]!;
    const {width, height} = picture;
    return {media: {type: 'video', source: name, files, width, height, exif}, picture};
  }
  const {bytes, label} = await readSource(source, options);
  const info = await inspectImage(bytes, label, options.maxPixels);
  const picture = await decodeFrame(bytes, label, info, 0, options);
  const extension = info.format.replace(/[^a-z0-9]/g, '') || 'picture';
  const files = [store.keep(bytes, extension)];
  const {width, height} = picture;
  return {media: {type: 'image', source: name, files, width, height, exif}, picture};
}

/** A part of a question with its pictures, as the model takes it. */
export async function loadPart(store: ChatStore, part: UserPart): Promise<ChatPart> {
  if (part.type === 'text') return part;
  const frames: Picture[] = [];
  for (const file of part.files)
    frames.push(await readImage(store.pictureFile(file), {useExif: part.exif}));
  return part.type === 'video' ? {type: 'video', frames} : {type: 'image', picture: frames[0]!};
}

export function loadDrawing(
  store: ChatStore,
  {file}: Extract<TurnAnswer, {type: 'drawing'}>,
): Promise<Picture> {
  return readImage(store.pictureFile(file));
}
