// The files of the hub's cache, for those who list, check and delete them.
import {existsSync, lstatSync, readdirSync, realpathSync, statSync} from 'node:fs';
import path from 'node:path';

/** A name in a snapshot. */
export interface CachedFile {
  /** In the snapshot, with `/` between its parts. */
  readonly path: string;
  readonly name: string;
  /** Where its bytes lie; undefined for a link to nothing. */
  readonly blob: string | undefined;
  readonly size: number;
}

/** All files below a folder, those that links lead to nowhere included, by name. */
export function cachedFiles(folder: string): CachedFile[] {
  const entries = readdirSync(folder, {recursive: true, encoding: 'utf8'}).sort();
  return entries.flatMap((entry) => {
    const name = path.join(folder, entry);
    if (lstatSync(name).isDirectory()) return [];
    const blob = existsSync(name) ? realpathSync(name) : undefined;
    const size = blob === undefined ? 0 : statSync(blob).size;
    return [{path: entry.split(path.sep).join('/'), name, blob, size}];
  });
}
