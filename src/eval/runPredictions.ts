// The predictions of a run as it goes: one file, or one of each rank (`mpirun -n N`) until all are done. A run
// goes on with whatever number of ranks, from all that is there.
import {existsSync, readdirSync, rmSync, statSync} from 'node:fs';
import path from 'node:path';
import {z} from 'zod';
import {EmuError, InputError} from '../errors.js';
import {writeText} from '../weights/writeWhole.js';
import {type PredictionLine, PredictionWriter, readPredictions} from './predictions.js';
import {readJson} from './readJson.js';
import {PREDICTIONS} from './runFolder.js';

export interface Rank {
  /** From 0. */
  readonly rank: number;
  readonly size: number;
}

/** What a run is told by; a line that another model wrote must not get into it. */
export type RunSettings = Readonly<Record<string, string | number | boolean | null>>;

const SETTINGS = 'run.json';
const partName = ({rank, size}: Rank) => `predictions-${rank + 1}-of-${size}.jsonl`;
const isPart = (name: string) => /^predictions-\d+-of-\d+\.jsonl$/.test(name);

function parts(folder: string): string[] {
  return readdirSync(folder)
    .filter(isPart)
    .sort()
    .map((name) => path.join(folder, name));
}

/** The whole run's file first. */
function files(folder: string): string[] {
  const whole = path.join(folder, PREDICTIONS);
  return [...(existsSync(whole) ? [whole] : []), ...parts(folder)];
}

/** Throws EmuError where the folder holds predictions. */
export function checkFresh(folder: string): void {
  const [file] = files(folder).filter((each) => statSync(each).size > 0);
  if (file === undefined) return;
  throw new EmuError(`${file}: holds predictions; go on with --resume, or name another --out`, {
    code: 'run_exists',
    file,
  });
}

/** What a rank writes to. Its file, if there is one, is gone on with: a line that was cut off goes. */
export function openWriter(folder: string, rank: Rank): PredictionWriter {
  const file = path.join(folder, rank.size === 1 ? PREDICTIONS : partName(rank));
  return PredictionWriter.resume(file).writer;
}

/**
 * All lines of a run's folder, an item once: a rank that was killed while files were put together leaves lines
 * in two of them. Of an item that failed and was asked again the prediction counts.
 */
export function readRun(folder: string): PredictionLine[] {
  const byId = new Map<string, PredictionLine>();
  for (const file of files(folder))
    for (const line of readPredictions(file).lines) {
      const key = String(line.id);
      if (byId.get(key)?.prediction === undefined) byId.set(key, line);
    }
  return [...byId.values()];
}

/** The ranks' files, when the run's own one holds all of them. */
export function removeParts(folder: string): void {
  for (const file of parts(folder)) rmSync(file, {force: true});
}

export function writeSettings(folder: string, settings: RunSettings): void {
  writeText(path.join(folder, SETTINGS), `${JSON.stringify(settings, undefined, 2)}\n`);
}

/** Throws InputError where the run in the folder was begun with other settings. */
export function checkSettings(folder: string, settings: RunSettings): void {
  const file = path.join(folder, SETTINGS);
  if (!existsSync(file)) return;
  const value = z.union([z.string(), z.number(), z.boolean(), z.null()]);
  const before = readJson(file, z.record(z.string(), value));
  const differs = Object.keys({...before, ...settings}).find(
    (key) => (before[key] ?? null) !== (settings[key] ?? null),
  );
  if (differs === undefined) return;
  const say = (side: RunSettings) => String(side[differs] ?? 'none');
  throw new InputError(
    folder,
    `its run was begun with another setting of ${differs} (${say(before)}, now ${say(settings)})`,
    'go on with the same, or name another --out',
  );
}
