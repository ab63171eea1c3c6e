// Which files a data set is made of: `shards/`, `shards/*.tar`, `shards/{00000..00127}.tar`.
import {existsSync, readdirSync, statSync} from 'node:fs';
import path from 'node:path';
import {InputError} from '../../errors.js';
import {fileProblem} from '../source.js';

const MAX_FILES = 1_000_000;

/** `{000..012}` and `{a,b}` written out, from left to right. */
export function expandBraces(pattern: string): string[] {
  const group = /\{([^{}]*(?:,|\.\.)[^{}]*)\}/.exec(pattern);
  if (!group) return [pattern];
  const before = pattern.slice(0, group.index);
  const rests = expandBraces(pattern.slice(group.index + group[0].length));
  const choices = alternatives(group[1]!, pattern);
  if (choices.length * rests.length > MAX_FILES)
    throw new InputError(pattern, `stands for more than ${MAX_FILES} files`);
  return choices.flatMap((choice) => rests.map((rest) => before + choice + rest));
}

function alternatives(inside: string, pattern: string): string[] {
  const range = /^(\d+)\.\.(\d+)$/.exec(inside);
  if (!range) return inside.split(',');
  const [first, last] = [Number(range[1]), Number(range[2])];
  if (last < first || last - first >= MAX_FILES)
    throw new InputError(pattern, `{${inside}} is no range`, 'write it as {000..012}');
  const width = range[1]!.length;
  return Array.from({length: last - first + 1}, (_, i) => String(first + i).padStart(width, '0'));
}

/**
 * The files that the patterns name, each pattern's in the order of their names: a file; a folder, which
 * stands for the files in it that end in `extension`; a name with `*` in its last part; braces.
 * @throws InputError when a pattern names nothing
 */
export function findDataFiles(
  patterns: string | readonly string[],
  extension: RegExp,
  what: string,
): string[] {
  return [patterns].flat().flatMap((pattern) => {
    // A name may hold braces of its own.
    const names = existsSync(pattern) ? [pattern] : expandBraces(pattern);
    return names.flatMap((name) => filesOf(name, extension, what));
  });
}

function filesOf(name: string, extension: RegExp, what: string): string[] {
  const isFolder = existsSync(name) && statSync(name).isDirectory();
  const last = path.basename(name);
  if (!isFolder && !last.includes('*')) {
    if (!existsSync(name)) throw new InputError(name, 'no such file');
    return [name];
  }
  const folder = isFolder ? name : path.dirname(name);
  const wanted = isFolder ? extension : wildcard(last);
  const found = listFolder(folder).filter((entry) => wanted.test(entry));
  if (found.length === 0) throw new InputError(name, `names no ${what}`);
  return found.map((entry) => path.join(folder, entry));
}

function wildcard(name: string): RegExp {
  const escaped = name.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*')}$`);
}

/** Names in a folder, sorted the same way on every machine. */
export function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    throw fileProblem(folder, error);
  }
}
