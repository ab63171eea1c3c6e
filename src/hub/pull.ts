// A model from the hub into the cache: what it is, what is missing, fetch, check, then show it under its name.
import {
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import {EmuError, ModelError} from '../errors.js';
import {gigabytes} from '../gigabytes.js';
import {takeLock} from '../processLock.js';
import {repoFolder} from '../weights/hubCache.js';
import {linkOrCopy, writeText} from '../weights/writeWhole.js';
import {fileUrl, type HubFile, type HubModel, hubError} from './client.js';
import {download} from './download.js';
import {INCOMPLETE, Parts, removeParts} from './parts.js';
import type {Plan} from './plan.js';
import type {OnRetry, RetryPolicy} from './retry.js';
import type {HubSettings} from './settings.js';
import {hashFile, hashKind} from './verify.js';

export interface PullEvents {
  /** What is done with which file, and how many bytes of all are done. */
  readonly onProgress?: (stage: 'fetching' | 'checking', file: string, done: number) => void;
  readonly onRetry?: OnRetry;
  readonly onNote?: (note: string) => void;
}

export interface PullOptions extends PullEvents {
  readonly signal: AbortSignal;
  readonly connections?: number;
  readonly policy?: RetryPolicy;
}

/** A file of a plan and how it stands with it. */
export interface PlannedFile extends HubFile {
  /** Bytes that are here. */
  readonly done: number;
}

export interface Pulled {
  /** What --model takes: a folder or a file. */
  readonly path: string;
  /** Bytes that came over the network. */
  readonly fetched: number;
}

function blobFile(folder: string, {hash}: HubFile): string {
  return path.join(folder, 'blobs', hash);
}

function isWhole(folder: string, file: HubFile): boolean {
  return statSync(blobFile(folder, file), {throwIfNoEntry: false})?.size === file.size;
}

/** How many bytes of each file of the plan are here. */
export async function standing(
  {cache}: HubSettings,
  {repo}: HubModel,
  {files}: Plan,
): Promise<PlannedFile[]> {
  const folder = repoFolder(cache, repo);
  return Promise.all(
    files.map(async (file) => {
      if (isWhole(folder, file)) return {...file, done: file.size};
      const begun = await Parts.progress(blobFile(folder, file) + INCOMPLETE);
      return {...file, done: begun?.size === file.size ? begun.done : 0};
    }),
  );
}

/** Throws EmuError when the disk has no room for what is missing. */
export function checkSpace(
  {cache}: HubSettings,
  repo: string,
  missing: number,
  free: number = freeSpace(cache),
): void {
  if (missing <= free) return;
  throw new EmuError(
    `${repo}: ${gigabytes(missing)} are still to be fetched, ${cache} has room for ${gigabytes(free)}; make room, or name another place with HF_HOME`,
    {code: 'disk_full', file: cache},
  );
}

/** Bytes that this user may still write where `folder` is, or will be. */
function freeSpace(folder: string): number {
  let place = path.resolve(folder);
  while (!existsSync(place) && path.dirname(place) !== place) place = path.dirname(place);
  const {bavail, bsize} = statfsSync(place);
  return bavail * bsize;
}

/**
 * Fetches what is missing of the plan. A file gets its name when it is whole and its hash is right; what is
 * there of the others is kept, whatever happens. Throws EmuError: the hub refuses or fails, bytes that are twice
 * not what their hash says, no room, another emu that pulls the same.
 */
export async function pullModel(
  settings: HubSettings,
  model: HubModel,
  plan: Plan,
  options: PullOptions,
): Promise<Pulled> {
  const {cache} = settings;
  const {repo, revision, commit} = model;
  const folder = repoFolder(cache, repo);
  const snapshot = path.join(folder, 'snapshots', commit);
  const release = lockRepo(cache, repo);
  process.once('exit', release); // Ctrl-C ends the process without coming back here
  try {
    const files = await standing(settings, model, plan);
    const missing = files.reduce((sum, {size, done}) => sum + size - done, 0);
    checkSpace(settings, repo, missing);
    mkdirSync(path.join(folder, 'blobs'), {recursive: true});
    let fetched = 0;
    let before = 0;
    for (const file of files) {
      const bytesBefore = before;
      const onBytes = (stage: 'fetching' | 'checking', done: number) =>
        options.onProgress?.(stage, file.path, bytesBefore + done);
      fetched += await fetchBlob(settings, model, file, folder, {...options, onBytes});
      show(blobFile(folder, file), path.join(snapshot, ...file.path.split('/')));
      before += file.size;
    }
    if (revision !== commit) writeRef(folder, revision, commit);
    return {path: path.join(snapshot, ...plan.model.split('/')), fetched};
  } finally {
    release();
    process.off('exit', release);
  }
}

/**
 * One emu at a time changes a repository; other tools write under names of their own. Returns what gives it back.
 * Throws EmuError when another has it.
 */
export function lockRepo(cache: string, repo: string): () => void {
  const folder = path.join(cache, '.locks', path.basename(repoFolder(cache, repo)));
  mkdirSync(folder, {recursive: true});
  const file = path.join(folder, 'emu-pull.lock');
  return takeLock(file, ({pid, host}, isForeign) => {
    const wayOut = isForeign ? `if it has ended, delete ${file}` : 'wait for it, or end it';
    return new EmuError(
      `${repo}: process ${pid}${isForeign ? ` of ${host}` : ''} pulls or deletes it; ${wayOut}`,
      {code: 'busy', file},
    );
  });
}

interface BlobOptions extends PullOptions {
  readonly onBytes: (stage: 'fetching' | 'checking', done: number) => void;
}

/** Has a file's bytes in blobs/, whole and checked; the number of bytes that were fetched. */
async function fetchBlob(
  settings: HubSettings,
  model: HubModel,
  file: PlannedFile,
  folder: string,
  options: BlobOptions,
): Promise<number> {
  if (isWhole(folder, file)) return 0;
  const blob = blobFile(folder, file);
  const incomplete = blob + INCOMPLETE;
  let fetched = 0;
  for (const isLast of [false, true]) {
    const begin = isLast ? 0 : file.done;
    let done = begin;
    try {
      await download(settings, fileUrl(settings, model, file), file.size, incomplete, {
        ...options,
        onProgress: (bytes) => {
          done = bytes;
          options.onBytes('fetching', bytes);
        },
      });
    } catch (error) {
      throw hubError(error, settings, model.repo, file.path);
    }
    fetched += done - begin;
    let checked = 0;
    const found = await hashFile(incomplete, hashKind(file.hash), (count) => {
      checked += count;
      options.onBytes('checking', checked);
    });
    options.signal.throwIfAborted();
    if (found === file.hash) {
      renameSync(incomplete, blob);
      await removeParts(incomplete);
      return fetched;
    }
    await removeParts(incomplete);
    const problem = `its bytes are not those that the hub has: their hash is ${found}, expected ${file.hash}`;
    if (isLast)
      throw new ModelError(
        `${model.repo}/${file.path}`,
        `fetched twice, and ${problem}`,
        'the server or what lies between damages it; try another network or HF_ENDPOINT',
      );
    options.onNote?.(
      `${file.path}: ${problem}; which of them are wrong cannot be told, so the file is fetched again`,
    );
  }
  return fetched;
}

/** A file's name in the snapshot: a link to its bytes, relative, so that the cache may be moved. */
function show(blob: string, name: string): void {
  if (existsSync(name)) return;
  mkdirSync(path.dirname(name), {recursive: true});
  rmSync(name, {force: true}); // a link whose bytes somebody has deleted
  try {
    symlinkSync(path.relative(path.dirname(name), blob), name);
  } catch {
    linkOrCopy(blob, name); // a system that gives no links to everybody
  }
}

function writeRef(folder: string, revision: string, commit: string): void {
  const file = path.join(folder, 'refs', ...revision.split('/'));
  mkdirSync(path.dirname(file), {recursive: true});
  writeText(file, commit);
}
