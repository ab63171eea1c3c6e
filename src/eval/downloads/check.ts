// What of a benchmark's files is there, and how much of it.
import {existsSync, readdirSync} from 'node:fs';
import path from 'node:path';
import {EmuError} from '../../errors.js';
import type {Benchmark} from '../benchmark.js';
import type {DownloadFacts} from './facts.js';

export interface FileState {
  readonly path: string;
  readonly from: string;
  readonly state: 'present' | 'missing' | 'missing, optional';
}

export interface ArchiveState {
  readonly folder: string;
  readonly from: string;
  readonly size: string | null;
  /** Files that are there, and of the official archive. */
  readonly files: number;
  readonly official: number | null;
}

export interface SplitState {
  readonly split: string;
  readonly items: number;
  readonly officialItems: number | null;
  /** Pictures or videos that the items are about. */
  readonly media: number;
  readonly mediaPresent: number;
  readonly officialMedia: number | null;
  /** Why it cannot be read. */
  readonly problem?: string;
}

export interface DownloadState {
  readonly files: readonly FileState[];
  readonly archives: readonly ArchiveState[];
  readonly splits: readonly SplitState[];
}

function checkSplit(
  benchmark: Benchmark,
  {items, media}: DownloadFacts,
  root: string,
  split: string,
): SplitState {
  const state = {
    split,
    items: 0,
    officialItems: items[split] ?? null,
    media: 0,
    mediaPresent: 0,
    officialMedia: media[split] ?? null,
  };
  try {
    const read = benchmark.read(root, split).filter(({control}) => !control);
    const wanted = [...new Set(read.flatMap(({file}) => (file === undefined ? [] : [file])))];
    const present = wanted.filter((file) => existsSync(file));
    return {...state, items: read.length, media: wanted.length, mediaPresent: present.length};
  } catch (error) {
    if (!(error instanceof EmuError)) throw error;
    return {...state, problem: error.message.replaceAll(root + path.sep, '')};
  }
}

/** Files at any depth: videos stand in folders of their own. */
function countFiles(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, {recursive: true, withFileTypes: true}).filter((entry) =>
    entry.isFile(),
  ).length;
}

export function checkDownload(
  benchmark: Benchmark,
  facts: DownloadFacts,
  root: string,
): DownloadState {
  return {
    files: facts.files.map(({path: name, from, isOptional}) => ({
      path: name,
      from,
      // The file itself may be named in the place of its folder.
      state:
        [path.join(root, name), path.join(root, path.basename(name))].some((file) =>
          existsSync(file),
        ) || path.basename(root) === path.basename(name)
          ? 'present'
          : isOptional
            ? 'missing, optional'
            : 'missing',
    })),
    archives: facts.archives.map(({folder, from, size, count}) => ({
      folder,
      from,
      size: size ?? null,
      files: countFiles(path.join(root, folder)),
      official: count ?? null,
    })),
    splits: benchmark.splits.map((split) => checkSplit(benchmark, facts, root, split)),
  };
}
