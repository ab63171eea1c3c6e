import path from 'node:path';
import {type ModelFacts, modelFacts} from '../weights/modelFacts.js';
import {unfinished} from '../hub/parts.js';
import {dataFolder, hubCacheFolder} from '../userFolders.js';
import {cachedRepos} from '../weights/hubCache.js';
import {knownModels} from '../weights/locate.js';
import {defaultModel, PACKAGED_MODEL} from './settings.js';

export interface ListedModel {
  readonly name: string;
  /** False for the packaged model where its files are missing. */
  readonly available: boolean;
  readonly path?: string;
  /** Taken when no --model is given. */
  readonly isDefault: boolean;
}

/** The names that --model takes. */
export function listModels(configDir: string): ListedModel[] {
  const standard = defaultModel(configDir);
  const known = knownModels();
  return [...new Set([PACKAGED_MODEL, ...known.keys()])].map((name) => {
    const folder = known.get(name);
    const isDefault = name === standard;
    return folder === undefined
      ? {name, available: false, isDefault}
      : {name, available: true, path: folder, isDefault};
  });
}

/** Where the user's own models lie, a folder each. */
export function modelsFolder(): string {
  return path.join(dataFolder(), 'models');
}

export type DescribedModel = ListedModel & Partial<ModelFacts>;

/** The names that --model takes, with what is known of each. */
export function describeModels(configDir: string): DescribedModel[] {
  return listModels(configDir).map((model) =>
    model.path === undefined ? model : {...model, ...modelFacts(model.path)},
  );
}

/** Repositories of the hub of which a pull was stopped: bytes that are here, of the files begun. */
export async function unfinishedPulls(): Promise<{repo: string; done: number; size: number}[]> {
  const repos = [...cachedRepos(hubCacheFolder())];
  const all = await Promise.all(
    repos.map(async ([repo, folder]) => {
      const files = await unfinished(path.join(folder, 'blobs'));
      const total = (of: 'done' | 'size') => files.reduce((sum, file) => sum + file[of], 0);
      return {repo, done: total('done'), size: total('size')};
    }),
  );
  return all.filter(({size}) => size > 0);
}
