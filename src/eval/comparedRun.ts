// A side of a comparison: a run folder, which has its scores, or predictions that are scored now.
import {EmuError, InputError} from '../errors.js';
import {findBenchmark} from './openBenchmark.js';
import type {ItemScores} from './result.js';
import {findResult, readItemScores} from './runFolder.js';
import {scorePredictions} from './scorePredictions.js';

export interface ComparedRun {
  readonly benchmark: string;
  readonly split: string;
  readonly headline: string;
  readonly itemScores: readonly ItemScores[];
}

export interface ComparedOptions {
  readonly benchmark?: string | undefined;
  readonly data?: string | undefined;
  readonly split?: string | undefined;
}

function read(given: string, {benchmark, data, split}: ComparedOptions): ComparedRun {
  if (benchmark === undefined && data === undefined) {
    const result = findResult(given);
    if (result) return {...result, itemScores: readItemScores(given)};
  }
  if (benchmark === undefined || (data === undefined && !findBenchmark(benchmark).ownRoot))
    throw new EmuError(
      `${given}: no result.json with it; name --benchmark and --data to score it, or make a run folder with \`emu eval score\``,
      {code: 'usage', reason: 'usage', file: given},
    );
  const {result, itemScores} = scorePredictions(findBenchmark(benchmark), [given], data, split);
  return {...result, itemScores};
}

/** Throws where the run has no scores by item. */
export function readComparedRun(given: string, options: ComparedOptions): ComparedRun {
  const run = read(given, options);
  if (run.itemScores.length > 0) return run;
  throw new InputError(
    given,
    `${run.benchmark} ${run.split} has no scores by item`,
    'compare runs over a split whose answers are published',
  );
}
