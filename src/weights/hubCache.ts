// The cache of Hugging Face's tools as a place of models: models--OWNER--NAME/ with blobs/ (bytes, named by their
// hash), snapshots/COMMIT/ (the files' names, links to blobs) and refs/ (which commit a branch or tag was).
import {existsSync, readdirSync, readFileSync, statSync} from 'node:fs';
import path from 'node:path';
import {hubCacheFolder} from '../userFolders.js';

const PREFIX = 'models--';
/** What a pull without --revision is of. */
export const DEFAULT_REVISION = 'main';
const SHORT_COMMIT = 12;

/** One commit of a repository that lies in the cache. */
export interface HubSnapshot {
  /** OWNER/NAME, for another revision than main OWNER/NAME@REVISION. */
  readonly name: string;
  readonly repo: string;
  readonly commit: string;
  readonly folder: string;
}

/** The folder of a repository in the cache. */
export function repoFolder(cache: string, repo: string): string {
  return path.join(cache, PREFIX + repo.replaceAll('/', '--'));
}

/** The repositories in the cache, by name, with their folders. */
export function cachedRepos(cache: string): Map<string, string> {
  const names = subfolders(cache).filter((name) => name.startsWith(PREFIX));
  return new Map(
    names.sort().map((name) => {
      const repo = name.slice(PREFIX.length).replace('--', '/');
      return [repo, path.join(cache, name)];
    }),
  );
}

/** A repository's refs: of each branch and tag the commit that it was when it was fetched. */
export function cachedRefs(folder: string): Map<string, string> {
  const root = path.join(folder, 'refs');
  if (!existsSync(root)) return new Map();
  const files = readdirSync(root, {recursive: true, encoding: 'utf8'}).filter((name) =>
    statSync(path.join(root, name)).isFile(),
  );
  return new Map(
    files.map((name) => [
      name.split(path.sep).join('/'),
      readFileSync(path.join(root, name), 'utf8').trim(),
    ]),
  );
}

/** The snapshots of a repository, main's first. */
export function cachedSnapshots(repo: string, folder: string): HubSnapshot[] {
  const refs = [...cachedRefs(folder)];
  const root = path.join(folder, 'snapshots');
  const found = subfolders(root).map((commit) => {
    const ofCommit = refs.filter(([, value]) => value === commit).map(([ref]) => ref);
    const isMain = ofCommit.includes(DEFAULT_REVISION);
    const revision = ofCommit.sort()[0] ?? commit.slice(0, SHORT_COMMIT);
    const name = isMain ? repo : `${repo}@${revision}`;
    return {name, repo, commit, folder: path.join(root, commit), isMain};
  });
  return found
    .sort((a, b) => Number(b.isMain) - Number(a.isMain) || a.name.localeCompare(b.name))
    .map(({isMain: _, ...snapshot}) => snapshot);
}

/** Every snapshot in the cache. */
export function hubSnapshots(env: NodeJS.ProcessEnv = process.env): HubSnapshot[] {
  return [...cachedRepos(hubCacheFolder(env))].flatMap(([repo, folder]) =>
    cachedSnapshots(repo, folder),
  );
}

/**
 * What OWNER/NAME[@REVISION][/PLACE] names in the cache: the snapshot, and the place in it. Undefined for what is
 * no such name, or is not there.
 */
export function findInHubCache(
  name: string,
  env: NodeJS.ProcessEnv = process.env,
): {snapshot: HubSnapshot; place: string; path: string} | undefined {
  const match = /^([\w.-]+\/[\w.-]+)(?:@([^\s@]+)|\/(.*))?$/.exec(name);
  if (!match) return undefined;
  const [, repo = '', revisionAndPlace, inside] = match;
  const folder = repoFolder(hubCacheFolder(env), repo);
  // A branch may hold slashes, as a place does: which of the known revisions it begins with decides.
  const wanted = revisionAndPlace ?? (inside ? `${DEFAULT_REVISION}/${inside}` : DEFAULT_REVISION);
  for (const snapshot of cachedSnapshots(repo, folder)) {
    const place = placeAfter(wanted, snapshot, folder);
    if (place === undefined) continue;
    const found = path.join(snapshot.folder, place);
    const isInside = !place.split('/').includes('..');
    if (isInside && existsSync(found)) return {snapshot, place, path: found};
  }
  return undefined;
}

/** What follows the snapshot's own revision in `wanted`; undefined when it is another's. */
function placeAfter(wanted: string, {commit}: HubSnapshot, folder: string): string | undefined {
  const refs = [...cachedRefs(folder)].filter(([, value]) => value === commit);
  const first = wanted.split('/', 1)[0]!;
  const isCommit = /^[0-9a-f]{7,40}$/.test(first) && commit.startsWith(first);
  const names = [...refs.map(([ref]) => ref), ...(isCommit ? [first] : [])];
  const own = names.find((name) => wanted === name || wanted.startsWith(`${name}/`));
  return own === undefined ? undefined : wanted.slice(own.length + 1);
}

function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder, {withFileTypes: true})
      .filter((entry) => entry.isDirectory())
      .map(({name}) => name);
  } catch {
    return []; // not there, or not for us
  }
}
