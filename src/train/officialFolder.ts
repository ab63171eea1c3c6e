import path from 'node:path';
import {EmuError} from '../errors.js';
import type {EmuConfig} from '../weights/config.js';
import {officialProblem} from '../weights/officialForm.js';
import type {RunFields} from './recipe/fields.js';

/** Of a run's folder: the part that the official code loads. */
export function officialFolder(run: string): string {
  return path.join(run, 'official');
}

/** Refuses `save.official` for a model that the official code has no place for. */
export function checkOfficial({official}: RunFields['save'], config: EmuConfig): void {
  const problem = official ? officialProblem(config) : undefined;
  if (problem) throw new EmuError(`save.official: ${problem}`, {code: 'no_official_form'});
}
