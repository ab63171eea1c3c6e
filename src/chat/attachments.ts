// Pictures and videos that a person names in the middle of a text: a file dropped on the terminal, a
// pasted path, an address.
import {statSync} from 'node:fs';
import {homedir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {InputError} from '../errors.js';
import type {UserMedia} from './transcript.js';

/** A piece of a text: words, or where a picture or video is. */
export type Mention =
  | {readonly type: 'text'; readonly text: string}
  | {readonly type: 'file'; readonly source: string};

const MEDIA = 'png|jpe?g|webp|gif|avif|tiff?|svg|mp4|m4v|mov|mkv|webm|avi|mpe?g|ogv|flv|wmv';
const mediaName = new RegExp(`\\.(${MEDIA})$`, 'i');
const mediaEnds = new RegExp(`\\.(?:${MEDIA})(?![\\w.])`, 'gi');
/** What can stand behind a path in a sentence. */
const PUNCTUATION = /[?!.,;:)\]}'"»]+$/;

function isFile(file: string): boolean {
  if (file.includes('\0')) return false;
  return statSync(file, {throwIfNoEntry: false})?.isFile() ?? false;
}

/** A path as a person writes it: `~` is the home folder, file:// an address. Undefined: not a path. */
export function plainPath(written: string): string | undefined {
  if (/^file:\/\//i.test(written)) {
    try {
      return fileURLToPath(written);
    } catch {
      return undefined;
    }
  }
  return written.replace(/^~(?=\/|$)/, homedir());
}

const unescaped = (text: string) => text.replace(/\\(.)/g, '$1');

/** Looks like a path beyond doubt, so that a missing file must not pass for words. */
const isExplicit = (written: string) => /^(\/|~\/|\.\.?\/|file:\/\/)/i.test(written);

interface Found {
  readonly source: string;
  /** Characters of the text that name it. */
  readonly length: number;
}

function mediaFile(written: string): string | undefined {
  const file = plainPath(written);
  if (file === undefined || !mediaName.test(file)) return undefined;
  return isFile(file) ? file : undefined;
}

function findUrl(word: string): Found | undefined {
  if (/^data:(image|video)\//i.test(word)) return {source: word, length: word.length};
  if (!/^https:\/\//i.test(word)) return undefined;
  for (const end of [word, word.replace(PUNCTUATION, '')]) {
    if (URL.canParse(end) && mediaName.test(new URL(end).pathname))
      return {source: end, length: end.length};
  }
  return undefined;
}

/** The picture or video that `text` begins with, if it does. */
function findAtStart(text: string): Found | undefined {
  const quoted = /^(?:'([^'\n]+)'|"([^"\n]+)")/.exec(text);
  if (quoted) {
    const written = quoted[1] ?? quoted[2]!;
    const source = mediaFile(written);
    if (source) return {source, length: quoted[0].length};
    if (isExplicit(written) && mediaName.test(written)) throw missing(written);
    return undefined;
  }
  const [word] = /^(?:\\.|\S)+/.exec(text) ?? [''];
  const url = findUrl(word);
  if (url) return url;
  for (const end of [word, word.replace(PUNCTUATION, '')]) {
    const source = mediaFile(unescaped(end)) ?? mediaFile(end);
    if (source) return {source, length: end.length};
  }
  if (!isExplicit(word)) return undefined;
  // Some terminals drop a path with its blanks as they are.
  const [line = ''] = text.split('\n');
  const ends = Array.from(line.matchAll(mediaEnds), ({index, 0: ending}) => index + ending.length);
  for (const length of ends.reverse()) {
    const source = mediaFile(line.slice(0, length));
    if (source) return {source, length};
  }
  const bare = word.replace(PUNCTUATION, '');
  if (mediaName.test(bare)) throw missing(unescaped(bare));
  return undefined;
}

function missing(written: string): InputError {
  return new InputError(
    plainPath(written) ?? written,
    'no such file',
    'mend the path, or write it without its ending where words are meant',
  );
}

/**
 * Words and files of a text, in order. Relative names count where such a file is there; a path that
 * begins with /, ~/, ./ or ../ and names a picture or video that is not there is an InputError.
 */
export function findMentions(text: string): Mention[] {
  const mentions: Mention[] = [];
  let words = '';
  const flush = () => {
    if (words.trim() !== '') mentions.push({type: 'text', text: words.trim()});
    words = '';
  };
  for (let at = 0; at < text.length; ) {
    const isWordStart = at === 0 || /\s/.test(text[at - 1]!);
    const found = isWordStart && /\S/.test(text[at]!) ? findAtStart(text.slice(at)) : undefined;
    if (found) {
      flush();
      mentions.push({type: 'file', source: found.source});
      at += found.length;
    } else {
      words += text[at];
      at++;
    }
  }
  flush();
  return mentions;
}

/** The file that a command's argument names: quoted, escaped or plain. */
export function argumentPath(argument: string): string {
  const quoted = /^(?:'(.+)'|"(.+)")$/.exec(argument);
  const written = quoted ? (quoted[1] ?? quoted[2]!) : argument;
  if (/^(https?|data):/i.test(written) || written === '-') return written;
  const file = plainPath(written) ?? written;
  return quoted || isFile(file) ? file : unescaped(file);
}

/** How a picture is called in a line of text. */
export function sourceName(source: string): string {
  if (/^data:/i.test(source)) return 'data URL';
  if (/^https?:/i.test(source)) return source.length > 60 ? `${source.slice(0, 59)}…` : source;
  return source === '-' ? 'standard input' : path.basename(source);
}

/** A picture or video in a line: `cat.jpg (451x300)`. */
export function describeMedia({type, source, files, width, height}: UserMedia): string {
  const size = `${width}x${height}`;
  const name = sourceName(source);
  return type === 'image' ? `${name} (${size})` : `${name} (${files.length} frames of ${size})`;
}
