// What Tab makes of the word before the caret: commands, their arguments, paths.
import {readdirSync} from 'node:fs';
import path from 'node:path';
import {plainPath} from './attachments.js';
import {commands} from './commands.js';

export interface Completion {
  /** The completed word begins here in the text. */
  readonly from: number;
  /** What can stand there, sorted. */
  readonly candidates: readonly string[];
}

const MAX_CANDIDATES = 200;

/** Blanks and quotes as a shell would want them, so that the path stays one word. */
const escapePath = (name: string) => name.replace(/[\\\s'"]/g, '\\$&');
const unescapePath = (name: string) => name.replace(/\\(.)/g, '$1');

function paths(word: string): string[] {
  const written = unescapePath(word);
  const slash = written.lastIndexOf('/') + 1;
  const [folder, beginning] = [written.slice(0, slash), written.slice(slash)];
  const folderPath = folder === '' ? '.' : (plainPath(folder) ?? folder);
  try {
    return readdirSync(path.resolve(folderPath), {withFileTypes: true})
      .filter(({name}) => name.startsWith(beginning) && (beginning !== '' || !name.startsWith('.')))
      .slice(0, MAX_CANDIDATES)
      .map((entry) => escapePath(`${folder}${entry.name}`) + (entry.isDirectory() ? '/' : ''))
      .sort();
  } catch {
    return [];
  }
}

/** What the word that ends at `caret` can become; no candidates where nothing fits. */
export function complete(text: string, caret: number, models: () => readonly string[]): Completion {
  const before = text.slice(0, caret);
  const command = /^\/([a-z]*)$/.exec(before);
  if (command) {
    const candidates = commands
      .map(({name}) => `/${name}`)
      .filter((name) => name.startsWith(before))
      .sort();
    // A path of one letter is none that a person completes.
    if (candidates.length > 0) return {from: 0, candidates};
  }
  const [word] = /(?:\\.|[^\s\\])*$/.exec(before) ?? [''];
  const from = caret - word.length;
  const named = /^\/([a-z]+)\s/.exec(before)?.[1];
  const completes = commands.find(({name}) => name === named)?.completes;
  if (completes === 'model') {
    const candidates = models().filter((name) => name.startsWith(word));
    if (candidates.length > 0) return {from, candidates};
  }
  const isPath = completes !== undefined || /^(~?\/|\.\.?\/)/.test(word);
  return {from, candidates: isPath ? paths(word) : []};
}

/** The beginning that all candidates share. */
export function commonBeginning([first = '', ...others]: readonly string[]): string {
  let length = first.length;
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length--;
  return first.slice(0, length);
}
