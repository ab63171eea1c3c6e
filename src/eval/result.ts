// What a run over a benchmark came to: scores with intervals, what is missing, the paper's numbers beside.
import path from 'node:path';
import type {
  Benchmark,
  BenchmarkItem,
  ItemId,
  KindScore,
  PaperRow,
  Predicted,
  Scores,
} from './benchmark.js';
import {officialCount} from './downloads/facts.js';
import type {MatchedPredictions} from './matchPredictions.js';
import {bootstrapMean} from './metrics/bootstrap.js';
import type {UnknownWords} from './unknownWords.js';

export interface EvalResult {
  readonly benchmark: string;
  readonly split: string;
  /** The metric that the paper reports. */
  readonly headline: string;
  /** Folder of the benchmark's files. */
  readonly data: string;
  readonly items: {
    readonly total: number;
    /** Of the published split, where known. */
    readonly official: number | null;
    readonly predicted: number;
    /** Of those, where a score says less of them. */
    readonly scored?: number;
    readonly missing: number;
    readonly failed: number;
    /** Answers to controls, which the other numbers leave out. */
    readonly controls?: number;
  };
  /** Scored over some of the items only. */
  readonly isPartial: boolean;
  /** By the official names; null where there is nothing to score it on. Empty: see `unscored`. */
  readonly scores: Readonly<Record<string, number | null>>;
  /** Percentile bootstrap, 95 %. */
  readonly intervals: Readonly<Record<string, {readonly low: number; readonly high: number}>>;
  readonly details: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Scores beside what is reached without the model, or with the wrong pictures. */
  readonly kinds?: readonly KindScore[];
  /** What the model could not read or say. */
  readonly unknownWords?: UnknownWords;
  readonly note?: string;
  /** Why there are no scores. */
  readonly unscored?: string;
  /** At most 1000 ids. */
  readonly missing: readonly ItemId[];
  readonly failed: readonly {readonly id: ItemId; readonly error: string}[];
  readonly paper: readonly PaperRow[];
  /** Of the run. */
  readonly options: Readonly<Record<string, unknown>>;
}

export interface ItemScores {
  readonly id: ItemId;
  /** By metric. */
  readonly scores: Readonly<Record<string, number>>;
}

export interface ScoredRun {
  readonly result: EvalResult;
  /** Of the items that have scores of their own. */
  readonly itemScores: readonly ItemScores[];
  /** What the server or the official scorer takes, if there is one. */
  readonly submission?: unknown;
}

const MOST_LISTED = 1000;

export const submissionName = (benchmark: string) => `${benchmark}_answer.json`;

/** Intervals of the metrics whose score is the mean of the items'. One item tells nothing of others. */
function intervalsOf({perItem = {}}: Scores): EvalResult['intervals'] {
  const intervals: Record<string, {low: number; high: number}> = {};
  for (const [metric, all] of Object.entries(perItem)) {
    const own = all.filter((score) => score !== undefined && Number.isFinite(score)) as number[];
    if (own.length < 2) continue;
    const {low, high} = bootstrapMean(own);
    intervals[metric] = {low, high};
  }
  return intervals;
}

function scoresByItem(
  predicted: readonly Predicted<BenchmarkItem>[],
  {perItem = {}}: Scores,
): ItemScores[] {
  return predicted.flatMap(({item}, i) => {
    const own = Object.entries(perItem).flatMap(([metric, all]) => {
      const score = all[i];
      return score !== undefined && Number.isFinite(score) ? [[metric, score] as const] : [];
    });
    return own.length > 0 ? [{id: item.id, scores: Object.fromEntries(own)}] : [];
  });
}

export interface ScoreOptions {
  readonly split: string;
  /** Folder of the benchmark's files, for who comes back to the run. */
  readonly data: string;
  /** Questions; controls don't count. */
  readonly total: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly unknownWords?: UnknownWords | undefined;
}

/** Scores what was predicted, of however many of the benchmark's items. */
export function scoreRun(
  benchmark: Benchmark,
  matched: MatchedPredictions,
  {split, data, total, options, unknownWords}: ScoreOptions,
): ScoredRun {
  const {name, headline, paper} = benchmark;
  const {predicted, missing, failed} = matched;
  const controls = predicted.filter(({item}) => item.control).length;
  const answered = predicted.length - controls;
  const scores = predicted.length > 0 ? benchmark.score(predicted, split) : undefined;
  const scorer = `its server or official scorer, which takes ${submissionName(name)}`;
  const unscored =
    predicted.length > 0 ? `${name} ${split} is scored by ${scorer}` : 'nothing was predicted';
  const result: EvalResult = {
    benchmark: name,
    split,
    headline,
    data: path.resolve(data),
    items: {
      total,
      official: officialCount(name, split) ?? null,
      predicted: answered,
      ...(scores?.scored === undefined ? {} : {scored: scores.scored}),
      missing: missing.length,
      failed: failed.length,
      ...(controls > 0 ? {controls} : {}),
    },
    isPartial: (scores?.scored ?? answered) < total,
    scores: Object.fromEntries(
      Object.entries(scores?.values ?? {}).map(([metric, value]) => [
        metric,
        Number.isFinite(value) ? value : null,
      ]),
    ),
    intervals: scores ? intervalsOf(scores) : {},
    details: Object.fromEntries(
      Object.entries(scores?.details ?? {}).map(([kind, parts]) => [
        kind,
        Object.fromEntries(parts),
      ]),
    ),
    ...(scores?.kinds ? {kinds: scores.kinds} : {}),
    ...(unknownWords ? {unknownWords} : {}),
    ...(scores?.note === undefined ? {} : {note: scores.note}),
    ...(scores ? {} : {unscored}),
    missing: missing.slice(0, MOST_LISTED),
    failed,
    paper,
    options,
  };
  return {
    result,
    itemScores: scores ? scoresByItem(predicted, scores) : [],
    submission: benchmark.submission(predicted),
  };
}
