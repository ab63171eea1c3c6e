// A pull without the network: what is in the cache, or what is missing of it.
import path from 'node:path';
import {ModelError} from '../errors.js';
import {gigabytes} from '../gigabytes.js';
import {cachedFiles} from '../weights/cachedFiles.js';
import {cachedRefs, cachedSnapshots, repoFolder} from '../weights/hubCache.js';
import {unfinished} from './parts.js';
import {planModel} from './plan.js';
import type {HubSettings} from './settings.js';

export interface PullRequest {
  readonly repo: string;
  readonly revision: string;
  readonly isInstruct: boolean;
}

export interface PulledBefore {
  readonly repo: string;
  readonly revision: string;
  readonly commit: string;
  /** What --model takes. */
  readonly path: string;
}

/** A model that was pulled before. Throws ModelError when it is not there, or not whole. */
export async function pulledBefore(
  {cache}: HubSettings,
  {repo, revision, isInstruct}: PullRequest,
): Promise<PulledBefore> {
  const folder = repoFolder(cache, repo);
  const missing = async (problem: string) => {
    const begun = await unfinished(path.join(folder, 'blobs'));
    const bytes = begun.reduce((sum, {done}) => sum + done, 0);
    const part = bytes > 0 ? ` (${gigabytes(bytes)} of unfinished files are)` : '';
    return new ModelError(
      repo,
      `HF_HUB_OFFLINE is set, and ${problem}${part}`,
      'unset it to fetch what is missing',
    );
  };
  const commit = cachedRefs(folder).get(revision) ?? revision;
  const snapshot = cachedSnapshots(repo, folder).find((one) => one.commit === commit);
  if (!snapshot) throw await missing(`revision ${revision} of it is not in ${cache}`);
  const files = cachedFiles(snapshot.folder);
  const lost = files.find(({blob}) => blob === undefined);
  if (lost) throw await missing(`the bytes of ${lost.path} are not there`);
  let place: string;
  try {
    const whole = files.map(({path, size}) => ({path, size, hash: ''}));
    place = planModel(repo, whole, {isInstruct}).model;
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw await missing(`${isInstruct ? 'its instruct model' : 'its model'} is not in ${cache}`);
  }
  const model = place === '' ? snapshot.folder : path.join(snapshot.folder, ...place.split('/'));
  return {repo, revision, commit, path: model};
}
