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
