// Where a user's own files of emu lie: the folders of XDG, or those that emu's variables name.
import {homedir} from 'node:os';
import path from 'node:path';

/** Models and data that the user keeps: EMU_HOME, else XDG's data folder. */
export function dataFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.EMU_HOME) return path.resolve(env.EMU_HOME);
  return path.join(env.XDG_DATA_HOME || path.join(homedir(), '.local', 'share'), 'emu');
}

/** What can be fetched or built again: EMU_CACHE_DIR, else XDG's cache folder. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.EMU_CACHE_DIR) return path.resolve(env.EMU_CACHE_DIR);
  return path.join(env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'emu');
}

/** Where Hugging Face's tools keep their token and their cache: HF_HOME, else in XDG's cache folder. */
export function hubHome(env: NodeJS.ProcessEnv = process.env): string {
  if (env.HF_HOME) return path.resolve(env.HF_HOME);
  return path.join(env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'huggingface');
}

/** Models from the hub, in the layout that Hugging Face's tools share: HF_HUB_CACHE, else hub/ of HF_HOME. */
export function hubCacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const named = env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE;
  return named ? path.resolve(named) : path.join(hubHome(env), 'hub');
}
