// What `emu pull` says before it fetches.
import {type AskOptions, type HubModel, readModel} from '../hub/client.js';
import type {PullRequest} from '../hub/offline.js';
import {type Plan, planModel} from '../hub/plan.js';
import {type PlannedFile, type PullEvents, standing} from '../hub/pull.js';
import type {HubSettings} from '../hub/settings.js';
import {bytesText} from './bytesText.js';
import type {Progress} from './progress.js';

export {pullModel} from '../hub/pull.js';

export interface PreparedPull {
  readonly model: HubModel;
  readonly plan: Plan;
  readonly files: readonly PlannedFile[];
}

/** Asks what a model is and which of its files are here. Throws as readModel and planModel do. */
export async function preparePull(
  settings: HubSettings,
  {repo, revision, isInstruct}: PullRequest,
  ask: AskOptions,
): Promise<PreparedPull> {
  const model = await readModel(settings, repo, revision, ask);
  const plan = planModel(repo, model.files, {isInstruct});
  const files = await standing(settings, model, plan);
  return {model, plan, files};
}

const total = (files: readonly PlannedFile[], of: 'size' | 'done') =>
  files.reduce((sum, file) => sum + file[of], 0);

/** Licence first, then the files with their sizes and how much is to be fetched. */
export function describePlan({model, files}: PreparedPull): string[] {
  const {repo, revision, commit, licence, licenceUrl} = model;
  const width = Math.max(...files.map(({path}) => path.length));
  const size = total(files, 'size');
  const done = total(files, 'done');
  const here = done === 0 ? '' : done === size ? ', all of it here' : `, ${bytesText(done)} here`;
  const stated = licence ?? 'none stated: ask its authors before you use it';
  return [
    `${repo} at ${revision} (${commit.slice(0, 12)})`,
    `licence: ${stated}${licenceUrl ? `, ${licenceUrl}` : ''}`,
    ...files.map((file) => {
      const state = file.done === file.size ? '  here' : file.done > 0 ? '  begun' : '';
      return `  ${file.path.padEnd(width)}  ${bytesText(file.size).padStart(9)}${state}`;
    }),
    `${files.length} files, ${bytesText(size)}${here}`,
  ];
}

export function planJson({model, files}: PreparedPull) {
  const {repo, revision, commit, licence = null, licenceUrl = null} = model;
  const bytes = total(files, 'size');
  return {
    repo,
    revision,
    commit,
    licence,
    licenceUrl,
    bytes,
    missing: bytes - total(files, 'done'),
    files: files.map(({path, size, hash, done}) => ({path, size, hash, done})),
  };
}

/** Shows the bytes of all files that are done, and how fast they come. */
export function showPull(progress: Progress, {files}: PreparedPull): PullEvents['onProgress'] {
  const bytes = total(files, 'size');
  const doneBefore = total(files, 'done');
  const started = performance.now();
  return (stage, file, done) => {
    const rate = (1000 * (done - doneBefore)) / (performance.now() - started);
    const speed = stage === 'fetching' && rate > 0 ? `, ${bytesText(rate)}/s` : '';
    const amount = `${bytesText(done)} of ${bytesText(bytes)}${speed}`;
    const name = file.split('/').at(-1)!;
    progress.update(`${stage} ${name}, ${amount}`, bytes === 0 ? 1 : done / bytes);
  };
}
