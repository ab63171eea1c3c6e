// Deleting a model: its names, and of the hub's cache the bytes that no other snapshot shows.
import {existsSync, lstatSync, readdirSync, rmdirSync, rmSync, statSync} from 'node:fs';
import path from 'node:path';
import {EmuError, ModelError} from '../errors.js';
import {dataFolder, hubCacheFolder} from '../userFolders.js';
import {cachedFiles} from '../weights/cachedFiles.js';
import {
  cachedRefs,
  cachedSnapshots,
  findInHubCache,
  type HubSnapshot,
  repoFolder,
} from '../weights/hubCache.js';
import {knownModels, modelsIn} from '../weights/locate.js';
import {INCOMPLETE, marksFile} from './parts.js';
import {lockRepo} from './pull.js';

export interface Removal {
  /** What goes, for a person to look at: a folder or a file. */
  readonly place: string;
  /** Bytes that become free. */
  readonly bytes: number;
  /** Deletes it. Throws EmuError when another emu pulls it meanwhile. */
  run(): void;
}

/**
 * What deleting the model of that name means; nothing is deleted yet. Throws ModelError for a name that is not
 * known, EmuError (usage) for the packaged model.
 */
export function planRemoval(name: string, env: NodeJS.ProcessEnv = process.env): Removal {
  const known = knownModels(env);
  const place = known.get(name);
  const hub = findInHubCache(name, env);
  if (hub && (place === undefined || place.startsWith(hub.snapshot.folder)))
    return removalFromHub(hub.snapshot, hub.place, env);
  const begun = hub ? undefined : unfinishedRemoval(name, env);
  if (begun) return begun;
  if (place === undefined)
    throw new ModelError(
      name,
      'no model of this name',
      `these are known: ${[...known.keys()].join(', ')}`,
    );
  if (path.dirname(place) !== path.join(dataFolder(env), 'models'))
    throw new EmuError(`${name}: comes with emu (${place}) and is not deleted`, {
      code: 'packaged',
      reason: 'usage',
      file: place,
    });
  return {
    place,
    bytes: lstatSync(place).isSymbolicLink()
      ? 0
      : onDisk(cachedFiles(place).map((file) => file.name)),
    run: () => rmSync(place, {recursive: true}), // of a link itself, not what it leads to
  };
}

/** Bytes that files take; of a link nothing, of a file with holes what is not a hole. */
function onDisk(files: readonly string[]): number {
  const taken = files.map((file) => {
    const stats = lstatSync(file);
    return stats.isSymbolicLink() ? 0 : Math.min(stats.size, 512 * stats.blocks);
  });
  return taken.reduce((sum, bytes) => sum + bytes, 0);
}

function removalFromHub(snapshot: HubSnapshot, asked: string, env: NodeJS.ProcessEnv): Removal {
  const cache = hubCacheFolder(env);
  const folder = repoFolder(cache, snapshot.repo);
  const isBelow = (file: string, place: string) => file === place || file.startsWith(`${place}/`);
  const files = cachedFiles(snapshot.folder);
  // A model's description stays with the other model of its repository, not alone.
  const models = modelsIn(snapshot).map(([, model]) => path.relative(snapshot.folder, model));
  const isAlone = models.every((model) => model === asked);
  const place = isAlone ? '' : asked;
  const gone = place === '' ? files : files.filter((file) => isBelow(file.path, place));
  const snapshots = cachedSnapshots(snapshot.repo, folder);
  const kept = snapshots.flatMap((each) =>
    cachedFiles(each.folder).filter(({name}) => !gone.some((file) => file.name === name)),
  );
  const isLast = kept.length === 0;
  const used = new Set(kept.map(({blob}) => blob));
  const blobs = [...new Set(gone.map(({blob}) => blob))].filter(
    (blob): blob is string => blob !== undefined && !used.has(blob) && isBelow(blob, folder),
  );
  const begun = isLast ? unfinishedFiles(folder) : [];
  return {
    place: path.join(snapshot.folder, place),
    bytes: onDisk([...blobs, ...begun]),
    run: () =>
      holding(cache, snapshot.repo, () => {
        if (isLast) return rmSync(folder, {recursive: true});
        // Names first: what is visible is whole at any moment.
        for (const {name} of gone) rmSync(name, {force: true});
        for (const blob of blobs) rmSync(blob, {force: true});
        removeEmptyFolders(snapshot.folder);
        if (place !== '') return;
        for (const [ref, commit] of cachedRefs(folder))
          if (commit === snapshot.commit)
            rmSync(path.join(folder, 'refs', ...ref.split('/')), {force: true});
      }),
  };
}

/** What a stopped pull has left of a repository of which nothing is whole. */
function unfinishedRemoval(repo: string, env: NodeJS.ProcessEnv): Removal | undefined {
  const cache = hubCacheFolder(env);
  const folder = repoFolder(cache, repo);
  const files = /^[\w.-]+\/[\w.-]+$/.test(repo) ? unfinishedFiles(folder) : [];
  if (files.length === 0) return undefined;
  return {
    place: path.join(folder, 'blobs'),
    bytes: onDisk(files),
    run: () =>
      holding(cache, repo, () => {
        if (cachedSnapshots(repo, folder).length === 0) return rmSync(folder, {recursive: true});
        for (const file of files) rmSync(file, {force: true});
      }),
  };
}

function unfinishedFiles(folder: string): string[] {
  const blobs = path.join(folder, 'blobs');
  if (!existsSync(blobs)) return [];
  const begun = readdirSync(blobs).filter((name) => name.endsWith(INCOMPLETE));
  const files = begun.map((name) => path.join(blobs, name));
  return [...files, ...files.map(marksFile).filter((file) => existsSync(file))];
}

function holding(cache: string, repo: string, run: () => void): void {
  const release = lockRepo(cache, repo);
  try {
    run();
  } finally {
    release();
  }
}

function removeEmptyFolders(folder: string): void {
  for (const entry of readdirSync(folder))
    if (statSync(path.join(folder, entry), {throwIfNoEntry: false})?.isDirectory())
      removeEmptyFolders(path.join(folder, entry));
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}
