// From files of predictions to a scored run: what `eval score` and `eval compare` share.
import {InputError} from '../errors.js';
import type {Benchmark} from './benchmark.js';
import {answeredItems} from './chooseItems.js';
import {type MatchedPredictions, matchPredictions} from './matchPredictions.js';
import {findRoot, findSplit, readItems} from './openBenchmark.js';
import {type ReadPredictions, readPredictions} from './predictions.js';
import {type ScoredRun, scoreRun} from './result.js';
import {findResult, predictionsFile} from './runFolder.js';

export interface ScoredPredictions extends ScoredRun {
  readonly matched: MatchedPredictions;
  readonly files: readonly ReadPredictions[];
}

/** A run folder says of which benchmark it is; a file alone doesn't. */
function checkRun(given: string, benchmark: string, split: string): void {
  const result = findResult(given);
  if (!result || (result.benchmark === benchmark && result.split === split)) return;
  throw new InputError(
    given,
    `is a run of ${result.benchmark} ${result.split}, not of ${benchmark} ${split}`,
    `score it as ${result.benchmark}`,
  );
}

/** Of the run that made them. What the first of several shards says of it holds for all. */
function optionsOf(given: readonly string[]): Readonly<Record<string, unknown>> {
  const options = findResult(given[0]!)?.options;
  if (!options) return {predictions: given};
  const {shard: _, ...shared} = options;
  return given.length === 1 ? options : {...shared, shards: given};
}

/** `given`: files or run folders, shards of one run where they are several. */
export function scorePredictions(
  benchmark: Benchmark,
  given: readonly string[],
  wantedData: string | undefined,
  wantedSplit?: string,
): ScoredPredictions {
  const split = findSplit(benchmark, wantedSplit);
  const data = findRoot(benchmark, split, wantedData);
  for (const each of given) checkRun(each, benchmark.name, split);
  const all = readItems(benchmark, data, split);
  const files = given.map((each) => readPredictions(predictionsFile(each)));
  const {items, total} = answeredItems(
    all,
    files.flatMap(({lines}) => lines.map(({id}) => id)),
  );
  const matched = matchPredictions(benchmark, split, items, files);
  const options = optionsOf(given);
  // Only the run knew the model's words.
  const unknownWords = given.length === 1 ? findResult(given[0]!)?.unknownWords : undefined;
  const scored = scoreRun(benchmark, matched, {split, data, total, options, unknownWords});
  return {...scored, matched, files};
}
