import path from 'node:path';
import {dataFolder} from '../userFolders.js';
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
