// Predictions beside the items that they are of, in the benchmark's order, whatever order and however many
// files they came in.
import {InputError} from '../errors.js';
import type {Benchmark, BenchmarkItem, ItemId, Predicted, Prediction} from './benchmark.js';
import {firstFew} from './firstFew.js';
import type {PredictionLine, ReadPredictions} from './predictions.js';

export interface MatchedPredictions {
  readonly predicted: readonly Predicted<BenchmarkItem>[];
  /** Items of which no file says anything. */
  readonly missing: readonly ItemId[];
  readonly failed: readonly {readonly id: ItemId; readonly error: string}[];
  /** What one run over all items would have written: each item once, in the benchmark's order. */
  readonly lines: readonly PredictionLine[];
}

/** What such an item's prediction must be, if it is not. */
function misfit(
  benchmark: Benchmark,
  item: BenchmarkItem,
  prediction: Prediction,
): string | undefined {
  const questions = benchmark.questions(item);
  const candidates = questions[0]!.candidates;
  const isList = Array.isArray(prediction);
  const isText = (value: unknown) => typeof value === 'string';
  if (candidates)
    return isList && prediction.length === candidates.length && !prediction.some(isText)
      ? undefined
      : `a list of ${candidates.length} losses`;
  if (questions.length > 1)
    return isList && prediction.length === questions.length && prediction.every(isText)
      ? undefined
      : `a list of ${questions.length} texts`;
  return isList ? 'a text' : undefined;
}

/**
 * Throws InputError where an id is of no item or comes twice, or where a prediction is not of the benchmark's
 * kind. An item that failed may come again, with a prediction.
 */
export function matchPredictions(
  benchmark: Benchmark,
  split: string,
  items: readonly BenchmarkItem[],
  files: readonly ReadPredictions[],
): MatchedPredictions {
  const file = files.map((each) => each.file).join(', ');
  const name = `${benchmark.name} ${split}`;
  const numLines = files.reduce((sum, {lines}) => sum + lines.length, 0);
  const known = new Set(items.map(({id}) => String(id)));
  const unknown: ItemId[] = [];
  const twice: ItemId[] = [];
  const byId = new Map<string, PredictionLine>(); // an id may be a number in one file and a text in another
  for (const {lines} of files)
    for (const line of lines) {
      const key = String(line.id);
      const before = byId.get(key);
      if (!known.has(key)) unknown.push(line.id);
      else if (before?.prediction !== undefined && line.prediction !== undefined)
        twice.push(line.id);
      else if (before?.prediction === undefined) byId.set(key, line);
    }
  if (unknown.length > 0)
    throw new InputError(
      file,
      `${unknown.length} of ${numLines} predictions are of no item of ${name} (${firstFew(unknown)})`,
      'are they of another benchmark or split, or --data of other files?',
    );
  if (twice.length > 0)
    throw new InputError(
      file,
      `${twice.length} of ${numLines} predictions come a second time (${firstFew(twice)})`,
      'give each shard once',
    );
  const predicted: Predicted<BenchmarkItem>[] = [];
  const missing: ItemId[] = [];
  const failed: {id: ItemId; error: string}[] = [];
  const ordered: PredictionLine[] = [];
  for (const item of items) {
    const line = byId.get(String(item.id));
    if (line) ordered.push({...line, id: item.id});
    if (line?.prediction !== undefined) {
      const wanted = misfit(benchmark, item, line.prediction);
      if (wanted !== undefined)
        throw new InputError(
          file,
          `prediction of ${item.id}: ${name} takes ${wanted}`,
          'are they of another benchmark?',
        );
      predicted.push({item, prediction: line.prediction});
    } else if (line) failed.push({id: item.id, error: line.error!});
    else missing.push(item.id);
  }
  return {predicted, missing, failed, lines: ordered};
}
