// Storyboard videos, after YT-Storyboard-1B: thumbnails and subtitles of a video as one sequence, merged by
// time. A folder holds one folder a video, and that:
//   pictures     named by their second (`12.5.jpg`), or any names with secondsPerFrame or a frames.json
//   frames.json  [{"file": "a.jpg", "time": 12.5}, ...], where the names do not tell
//   one .srt or .vtt file, or subtitles.json: [{"start": 1.5, "text": "..."}, ...]
import {readFileSync, statSync} from 'node:fs';
import path from 'node:path';
import {InputError} from '../../errors.js';
import type {Random} from '../../random.js';
import {strip} from '../../text/whitespace.js';
import {
  type Dataset,
  type PreparePicture,
  plainText,
  type Sample,
  type SamplePart,
} from '../dataset.js';
import {fileProblem} from '../source.js';
import {listFolder} from './filePatterns.js';
import {mediaFile, readPicture} from './media.js';
import {type Cue, readSubtitles} from './subtitles.js';

export interface StoryboardOptions {
  readonly folder: string;
  /** Pictures of a sample: that many in a row, from a place drawn at random. */
  readonly frames?: number;
  /** Pictures follow each other in this distance, in the order of their names. */
  readonly secondsPerFrame?: number | undefined;
  readonly prepare: PreparePicture;
}

interface Frame {
  readonly file: string;
  /** Seconds. */
  readonly time: number;
}

/** @throws InputError when the folder is missing or holds no folders */
export async function openStoryboard(options: StoryboardOptions): Promise<Dataset> {
  const {folder} = options;
  const videos = listFolder(folder).filter((name) =>
    statSync(path.join(folder, name), {throwIfNoEntry: false})?.isDirectory(),
  );
  if (videos.length === 0)
    throw new InputError(folder, 'holds no folders', 'put the frames of each video into one');
  return new Storyboard(folder, videos, options);
}

class Storyboard implements Dataset {
  constructor(
    readonly name: string,
    private readonly videos: readonly string[],
    private readonly options: StoryboardOptions,
  ) {}

  get size(): number {
    return this.videos.length;
  }

  async read(index: number, random: Random): Promise<Sample> {
    const {frames: wanted = 8, secondsPerFrame, prepare} = this.options;
    const folder = path.join(this.name, this.videos[index]!);
    const names = listFolder(folder);
    const frames = framesOf(folder, names, secondsPerFrame);
    const cues = cuesOf(folder, names);
    const start = random.below(Math.max(1, frames.length - wanted + 1));
    const shown = frames.slice(start, start + wanted);
    const from = start === 0 ? Number.NEGATIVE_INFINITY : shown[0]!.time;
    const until = frames[start + wanted]?.time ?? Number.POSITIVE_INFINITY;
    const said = cues.filter((cue) => cue.start >= from && cue.start < until);
    const isEnd = until === Number.POSITIVE_INFINITY;
    return {name: folder, parts: await merge(shown, said, isEnd, prepare)};
  }

  async text(index: number): Promise<string> {
    const folder = path.join(this.name, this.videos[index]!);
    return cuesOf(folder, listFolder(folder))
      .map(({text}) => plainText(text))
      .join('\n');
  }

  close(): void {} // files are opened for each read
}

function cuesOf(folder: string, names: readonly string[]): Cue[] {
  const subtitles = names.find((name) => /\.(srt|vtt)$|^subtitles\.json$/i.test(name));
  if (!subtitles) throw new InputError(folder, 'has no subtitles (.srt, .vtt, subtitles.json)');
  return readSubtitles(path.join(folder, subtitles));
}

/** In the order of their times. */
function framesOf(folder: string, names: string[], secondsPerFrame: number | undefined): Frame[] {
  const frames = names.includes('frames.json')
    ? listedFrames(path.join(folder, 'frames.json'), folder)
    : names
        .filter((name) => /\.(jpe?g|png|webp)$/i.test(name))
        .map((name, i) => ({
          file: path.join(folder, name),
          time: secondsPerFrame === undefined ? timeOf(name, folder) : i * secondsPerFrame,
        }));
  if (frames.length === 0) throw new InputError(folder, 'holds no pictures');
  return frames.sort((a, b) => a.time - b.time);
}

function timeOf(name: string, folder: string): number {
  const seconds = /^(\d+(?:\.\d+)?)\.[^.]+$/.exec(name)?.[1];
  if (seconds !== undefined) return Number(seconds);
  throw new InputError(
    path.join(folder, name),
    'is not named by its second, as 12.5.jpg is',
    'set secondsPerFrame or add a frames.json',
  );
}

function listedFrames(file: string, folder: string): Frame[] {
  let list: unknown;
  try {
    list = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw error instanceof SyntaxError
      ? new InputError(file, 'is no JSON')
      : fileProblem(file, error);
  }
  const isFrame = (frame: Frame | null) =>
    typeof frame?.file === 'string' && Number.isFinite(frame.time);
  if (!Array.isArray(list) || !list.every(isFrame))
    throw new InputError(file, 'is no list of frames', 'write [{"file": "a.jpg", "time": 1.5}]');
  return (list as Frame[]).map((frame) => ({...frame, file: mediaFile(folder, frame.file)}));
}

/** Pictures and what is said, by time; at the same time the picture comes first. */
async function merge(
  frames: readonly Frame[],
  cues: readonly Cue[],
  isEnd: boolean,
  prepare: PreparePicture,
): Promise<SamplePart[]> {
  const parts: SamplePart[] = [];
  let next = 0;
  const say = (until: number, end = '') => {
    const lines: string[] = [];
    for (; next < cues.length && cues[next]!.start < until; next++)
      lines.push(strip(plainText(cues[next]!.text)));
    const text = lines.filter(Boolean).join(' ') + end;
    if (text) parts.push({type: 'text', text});
  };
  for (const {file, time} of frames) {
    say(time);
    parts.push({type: 'picture', ...(await readPicture(file, prepare))});
  }
  say(Number.POSITIVE_INFINITY, isEnd ? '</s>' : '');
  return parts;
}
