import {readFileSync} from 'node:fs';
import path from 'node:path';
import {UsageError} from './errors.js';

/** The model that comes with emu. */
export const PACKAGED_MODEL = 'emu-mini';

/** The user's own defaults. */
export interface Settings {
  /** The model that commands take without --model and EMU_MODEL. */
  readonly model?: string;
}

/** Where the user's defaults stand; the folder follows XDG_CONFIG_HOME. */
export function settingsFile(configDir: string): string {
  return path.join(configDir, 'config.json');
}

/** Reads the user's defaults; none when there is no such file. Throws UsageError when it is unusable. */
export function readSettings(configDir: string): Settings {
  const file = settingsFile(configDir);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return {};
  }
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file}: expected JSON (${(error as Error).message}); mend or remove it`);
  }
  const {model} = (values ?? {}) as {model?: unknown};
  if (model === undefined) return {};
  if (typeof model === 'string') return {model};
  throw new UsageError(`${file}: expected "model" to be a name or path, got ${typeof model}`);
}

/** The model that commands take without --model: EMU_MODEL, else the user's own, else emu-mini. */
export function defaultModel(configDir: string): string {
  return process.env.EMU_MODEL || readSettings(configDir).model || PACKAGED_MODEL;
}
