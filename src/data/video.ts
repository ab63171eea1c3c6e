// Videos to the frames that the official reader picks (Emu1/inference.py: decord and get_index). ffmpeg
// decodes; animated GIF and WebP, and still pictures, go through sharp and count as videos too: a still
// is a video of one frame. Frames equal decord's bit for bit where both were compared.
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {open} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {EmuError, InputError} from '../errors.js';
import {roundHalfEven} from '../roundHalfEven.js';
import {FfmpegTimeout, findFfmpeg, type RunFfmpeg, runFfmpeg} from './ffmpeg.js';
import {DEFAULT_MAX_PIXELS, type DecodeOptions, decodeFrame, inspectImage} from './image.js';
import {MEDIA_HEAD_BYTES, mediaKind} from './mediaKind.js';
import type {Picture} from './picture.js';
import {PpmReader} from './ppm.js';
import {
  checkFile,
  fileProblem,
  isUrl,
  readSource,
  type SourceOptions,
  sourceLabel,
} from './source.js';

export interface ReadFramesOptions extends DecodeOptions, SourceOptions {
  /** Number of frames, 1 to 1024. The official code takes 8. */
  readonly count?: number;
  /**
   * Which frames, of how many there are: `count` numbers, ascending, some of them repeated where the
   * video is short. Default: the official choice, `frameIndices`. Asked again if ffmpeg counts anew.
   */
  readonly choose?: (numFrames: number, count: number) => readonly number[];
  /** Longest run of ffmpeg in milliseconds. Default 5 minutes. */
  readonly timeoutMs?: number;
  /** What runs ffmpeg. Default `runFfmpeg`. */
  readonly run?: RunFfmpeg;
  /** The ffmpeg program. Default `findFfmpeg()`. */
  readonly ffmpeg?: string;
}

const DEFAULT_COUNT = 8;
const MAX_COUNT = 1024;
const DEFAULT_TIMEOUT_MS = 300_000;
// All frames of one call together: 500 million pixels are 1.5 GB.
const MAX_TOTAL_PIXELS = 500e6;

/**
 * Official `get_index(num_frames, num_segments)`: which frames stand for a video. A short video repeats
 * frames.
 */
export function frameIndices(numFrames: number, count: number): number[] {
  const segment = (numFrames - 1) / count;
  const start = Math.trunc(segment / 2);
  return Array.from({length: count}, (_, i) => start + roundHalfEven(segment * i));
}

function checkTotal(label: string, numFrames: number, width: number, height: number): void {
  if (numFrames * width * height <= MAX_TOTAL_PIXELS) return;
  throw new InputError(
    label,
    `${numFrames} frames of ${width} x ${height} are more than ${MAX_TOTAL_PIXELS / 1e6} megapixels`,
    'take fewer frames or a smaller video',
  );
}

interface Clip {
  readonly file: string;
  readonly label: string;
  readonly options: ReadFramesOptions;
}

/** The first stream that is a film: not the cover picture of a song. */
const streamOptions = ['-map', '0:V:0'];

// Frames are numbered anew so that ffmpeg's constant-rate output neither drops nor repeats one; there
// is no option for that which old and new versions both know.
const RATE = 25;
const renumber = `settb=1/${RATE},setpts=N`;

// fast: swscale's default since ever, and what decord gets.
const toRgb = 'scale=flags=bicubic,format=rgb24';

/** ffmpeg's words for an input it cannot use, as ours. */
function videoProblem(label: string, stderr: string): InputError | undefined {
  if (/Input #0, (tty|bin|xbin|adf|idf)\b/.test(stderr)) {
    return new InputError(label, 'is not a video', 'give a file that ffmpeg plays');
  }
  if (/Input #0, (hls|dash|concat)\b/.test(stderr)) {
    return new InputError(label, 'is a playlist, not a video', 'give the video itself');
  }
  if (/partial file|File ended prematurely|: Read error|\] Read error/.test(stderr)) {
    return new InputError(label, 'is cut off', 'get the file again');
  }
  if (/matches no streams/.test(stderr)) {
    return new InputError(label, 'has no video in it', 'give a file with moving pictures');
  }
  if (/moov atom not found/.test(stderr)) {
    return new InputError(label, 'is not a video, or is cut off', 'get the file again');
  }
  if (/Invalid data found|could not find codec parameters/i.test(stderr)) {
    return new InputError(label, 'is not a video', 'give a file that ffmpeg plays');
  }
  return undefined;
}

async function run(
  {file, label, options}: Clip,
  outputOptions: string[],
  onData: (chunk: Buffer) => void,
): Promise<void> {
  const ffmpeg = options.ffmpeg ?? findFfmpeg().path;
  const inputOptions = (options.useExif ?? true) ? [] : ['-noautorotate'];
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const job = {input: file, inputOptions, outputOptions, onData, timeoutMs};
  const end = await (options.run ?? runFfmpeg)(ffmpeg, {...job, signal: options.signal}).catch(
    (error) => {
      if (!(error instanceof FfmpegTimeout)) throw error;
      const problem = `takes longer than ${timeoutMs / 1000} s to decode`;
      throw new InputError(label, problem, 'cut out the part you mean');
    },
  );
  const problem = videoProblem(label, end.stderr);
  if (problem) throw problem;
  if (end.isOk) return;
  const said = end.stderr.trimEnd().split('\n').at(-1)?.replaceAll(`file:${file}`, label) ?? '';
  throw new InputError(label, `ffmpeg cannot decode it (${said.trim()})`);
}

/** Lines of framecrc that are frames: one a frame, comments begin with #. */
async function countFrames(clip: Clip, codecOptions: string[]): Promise<number> {
  let numFrames = 0;
  let atLineStart = true;
  await run(clip, [...streamOptions, ...codecOptions, '-f', 'framecrc'], (chunk) => {
    for (const byte of chunk) {
      if (atLineStart && byte !== 0x23) numFrames++;
      atLineStart = byte === 0x0a;
    }
  });
  if (numFrames === 0) throw new InputError(clip.label, 'has no frames');
  return numFrames;
}

/** Frames of the file without decoding them: its packets, which is what decord counts. */
const countPackets = (clip: Clip) => countFrames(clip, ['-c', 'copy']);

const countDecoded = (clip: Clip) =>
  countFrames(clip, ['-vf', renumber, '-r', `${RATE}`, '-c:v', 'rawvideo']);

/** The frames of those numbers, ascending; fewer where the video ends earlier. */
async function decodeNumbers(clip: Clip, numbers: readonly number[]): Promise<Picture[]> {
  const maxPixels = clip.options.maxPixels ?? DEFAULT_MAX_PIXELS;
  const frames: Picture[] = [];
  const ppm = new PpmReader({
    onSize: (width, height) => {
      if (width * height > maxPixels) {
        const most = `at most ${maxPixels / 1e6} megapixels`;
        throw new InputError(clip.label, `has too large frames (${width} x ${height}; ${most})`);
      }
      checkTotal(clip.label, numbers.length, width, height);
    },
    onPicture: (picture) => frames.push(picture),
  });
  const select = numbers.map((number) => `eq(n,${number})`).join('+');
  const options = [
    ...[...streamOptions, '-vf', `select='${select}',${renumber},${toRgb}`, '-r', `${RATE}`],
    ...['-frames:v', `${numbers.length}`, '-c:v', 'ppm', '-f', 'image2pipe'],
  ];
  await run(clip, options, (chunk) => ppm.push(chunk));
  return frames;
}

async function readClip(clip: Clip, count: number): Promise<Picture[]> {
  const choose = clip.options.choose ?? frameIndices;
  const pick = async (numFrames: number) => {
    const indices = choose(numFrames, count);
    const numbers = [...new Set(indices)];
    const frames = await decodeNumbers(clip, numbers);
    if (frames.length < numbers.length) return undefined;
    return indices.map((index) => frames[numbers.indexOf(index)]!);
  };
  // Some files hold packets that give no frame of their own; then the decoder has to count.
  const frames = (await pick(await countPackets(clip))) ?? (await pick(await countDecoded(clip)));
  if (!frames) throw new InputError(clip.label, 'gives another number of frames at every reading');
  return frames;
}

async function readAnimation(
  bytes: Uint8Array,
  label: string,
  count: number,
  options: ReadFramesOptions,
): Promise<Picture[]> {
  const info = await inspectImage(bytes, label, options.maxPixels);
  const indices = (options.choose ?? frameIndices)(info.numFrames, count);
  checkTotal(label, new Set(indices).size, info.width, info.height);
  const frames = new Map<number, Picture>();
  for (const index of indices) {
    options.signal?.throwIfAborted();
    if (!frames.has(index)) {
      frames.set(index, await decodeFrame(bytes, label, info, index, options));
    }
  }
  return indices.map((index) => frames.get(index)!);
}

/** Gives ffmpeg a file that holds `bytes`: a pipe will not do, MP4 may keep its index at the end. */
async function withTemporaryFile<T>(bytes: Uint8Array, use: (file: string) => Promise<T>) {
  const folder = mkdtempSync(path.join(tmpdir(), 'emu-video-'));
  const remove = () => rmSync(folder, {recursive: true, force: true});
  process.once('exit', remove);
  try {
    const file = path.join(folder, 'video');
    writeFileSync(file, bytes, {mode: 0o600});
    return await use(file);
  } finally {
    process.removeListener('exit', remove);
    remove();
  }
}

/** The first bytes of a regular file; undefined for pipes, which can be read only once. */
async function readHead(file: string): Promise<Uint8Array | undefined> {
  const {size, isRegular} = await checkFile(file);
  if (!isRegular) return undefined;
  if (size === 0) throw new InputError(sourceLabel(file), 'is empty (0 bytes)');
  const handle = await open(file).catch((error) => {
    throw fileProblem(file, error);
  });
  try {
    const head = new Uint8Array(MEDIA_HEAD_BYTES);
    const {bytesRead} = await handle.read(head, 0, head.length, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/**
 * `count` frames of a video: a path, its bytes, `-`, an `https://` or `data:` URL; also an animated GIF
 * or WebP, or a still picture. Holds the distinct frames only: 3 bytes a pixel each.
 * @throws InputError, one line; EmuError `no_ffmpeg`; the signal's reason on abort
 */
export async function readFrames(
  source: string | Uint8Array,
  options: ReadFramesOptions = {},
): Promise<Picture[]> {
  const count = options.count ?? DEFAULT_COUNT;
  if (!Number.isInteger(count) || count < 1 || count > MAX_COUNT) {
    throw new EmuError(`frames: expected a whole number from 1 to ${MAX_COUNT}, got ${count}`, {
      code: 'bad_option',
      reason: 'usage',
    });
  }
  options.signal?.throwIfAborted();
  if (typeof source === 'string' && source !== '-' && !isUrl(source)) {
    const head = await readHead(source);
    if (head && mediaKind(head) !== 'image') {
      return readClip({file: source, label: sourceLabel(source), options}, count);
    }
  }
  const {bytes, label} = await readSource(source, options);
  if (mediaKind(bytes.subarray(0, MEDIA_HEAD_BYTES)) === 'image') {
    return readAnimation(bytes, label, count, options);
  }
  return withTemporaryFile(bytes, (file) => readClip({file, label, options}, count));
}
