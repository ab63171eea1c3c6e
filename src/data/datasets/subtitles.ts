// Subtitles with their times: SubRip (.srt), WebVTT (.vtt), or a JSON list of {start, text}.
import {readFileSync} from 'node:fs';
import {InputError} from '../../errors.js';
import {fileProblem} from '../source.js';

export interface Cue {
  /** Seconds. */
  readonly start: number;
  readonly text: string;
}

// "00:01:02,500 --> 00:01:04,000" of SubRip, "01:02.500 --> ..." of WebVTT; settings may follow.
const timing = /^\s*(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})\s+-->\s/;

/**
 * The cues of a file in the order of their times. Captions that roll repeat the line before: it is said
 * once.
 * @throws InputError when nothing in it is a cue
 */
export function readSubtitles(file: string): Cue[] {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    throw fileProblem(file, error);
  }
  const cues = /\.json$/i.test(file) ? jsonCues(content, file) : textCues(content);
  if (cues.length === 0) throw new InputError(file, 'holds no subtitles');
  return withoutRepeats(cues.sort((a, b) => a.start - b.start));
}

function textCues(content: string): Cue[] {
  return content
    .replace(/\r\n?/g, '\n')
    .split(/\n{2,}/)
    .flatMap((block): Cue[] => {
      const lines = block.split('\n');
      const at = lines.findIndex((line) => timing.test(line));
      if (at < 0) return [];
      const [, hours = '0', minutes, seconds, fraction] = timing.exec(lines[at]!)!;
      const whole = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
      const start = whole + Number(fraction) / 10 ** fraction!.length;
      return lines.slice(at + 1).map((line) => ({start, text: withoutMarkup(line)}));
    });
}

/** Styles, positions, times inside a line, and the few entities that WebVTT has. */
function withoutMarkup(line: string): string {
  const entities: Record<string, string> = {amp: '&', lt: '<', gt: '>', nbsp: ' '};
  return line
    .replace(/<[^>]*>|\{\\[^}]*\}/g, '')
    .replace(/&(amp|lt|gt|nbsp);/g, (_, name: string) => entities[name]!)
    .trim();
}

function jsonCues(content: string, file: string): Cue[] {
  let list: unknown;
  try {
    list = JSON.parse(content);
  } catch {
    throw new InputError(file, 'is no JSON');
  }
  const isCue = (cue: Cue | null) => Number.isFinite(cue?.start) && typeof cue?.text === 'string';
  if (!Array.isArray(list) || !list.every(isCue))
    throw new InputError(file, 'is no list of subtitles', 'write [{"start": 1.5, "text": "..."}]');
  return (list as Cue[]).map(({start, text}) => ({start, text: text.trim()}));
}

function withoutRepeats(cues: readonly Cue[]): Cue[] {
  const kept: Cue[] = [];
  for (const cue of cues) if (cue.text && cue.text !== kept.at(-1)?.text) kept.push(cue);
  return kept;
}
