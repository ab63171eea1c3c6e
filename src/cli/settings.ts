// The user's own defaults: a file of oclif's configuration folder, which `emu config` keeps.
import {mkdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import {closest} from '../text/closest.js';
import {writeText} from '../weights/writeWhole.js';
import {UsageError} from './errors.js';

/** The model that comes with emu. */
export const PACKAGED_MODEL = 'emu-mini';

/** What commands take where neither the command line nor the environment says otherwise. */
export interface Settings {
  readonly model?: string;
  readonly backend?: 'auto' | 'native' | 'tensorflow' | 'reference';
  readonly threads?: number;
  readonly compute?: 'f32' | 'bf16';
}

export type SettingName = keyof Settings;

/** The variable that goes before each setting, and what holds without both. */
export const settingNames: Readonly<
  Record<SettingName, {readonly variable: string; readonly default: string}>
> = {
  model: {variable: 'EMU_MODEL', default: PACKAGED_MODEL},
  backend: {variable: 'EMU_BACKEND', default: 'auto'},
  threads: {variable: 'EMU_THREADS', default: '0'},
  compute: {variable: 'EMU_COMPUTE', default: 'f32'},
};

/** zod, when it is needed: most people have no settings, and commands start without it. */
function settingsSchema() {
  const {z} = createRequire(import.meta.url)('zod') as typeof import('zod');
  return z.strictObject({
    model: z.string().min(1).optional(),
    backend: z.enum(['auto', 'native', 'tensorflow', 'reference']).optional(),
    threads: z.int().min(0).max(1024).optional(),
    compute: z.enum(['f32', 'bf16']).optional(),
  });
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
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new UsageError(`${file}: cannot be read (${(error as Error).message})`);
  }
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file}: expected JSON (${(error as Error).message}); mend or remove it`);
  }
  const {data, error} = settingsSchema().safeParse(values);
  if (data) return data as Settings;
  const {path: where, message} = error.issues[0]!;
  const of = where.length > 0 ? `"${where.join('.')}": ` : '';
  throw new UsageError(`${file}: ${of}${message}; mend or remove it`);
}

/** The setting of that name. Throws UsageError, with a guess, where there is none. */
export function settingName(text: string): SettingName {
  if (text in settingNames) return text as SettingName;
  const names = Object.keys(settingNames);
  const similar = closest(text, names);
  const hint = similar ? `did you mean ${similar}?` : `there are ${names.join(', ')}`;
  throw new UsageError(`no setting ${text}; ${hint}`);
}

/** Keeps a setting in the file, or, with no value, takes it out. Throws UsageError for a value that cannot be. */
export function writeSetting(configDir: string, name: SettingName, text: string | undefined): void {
  const {[name]: _, ...others} = readSettings(configDir);
  // A file or folder goes on being meant wherever emu is started later.
  const isPlace = name === 'model' && text !== undefined && /[/\\]/.test(text);
  const isNumber = name === 'threads' && /^\d+$/.test(text ?? '');
  const value = isPlace ? path.resolve(text) : isNumber ? Number(text) : text;
  const {data, error} = settingsSchema().safeParse({...others, [name]: value});
  if (!data) throw new UsageError(`${name} ${text}: ${error.issues[0]!.message}`);
  mkdirSync(configDir, {recursive: true});
  writeText(settingsFile(configDir), `${JSON.stringify(data, undefined, 2)}\n`);
}

/** Has the user's settings stand where flags look for their defaults: in variables that are not set. */
export function applySettings(configDir: string): void {
  for (const [name, value] of Object.entries(readSettings(configDir)))
    process.env[settingNames[name as SettingName].variable] ||= String(value);
}

/** The model that commands take without --model: EMU_MODEL, else the user's own, else emu-mini. */
export function defaultModel(configDir: string): string {
  return process.env.EMU_MODEL || readSettings(configDir).model || PACKAGED_MODEL;
}
