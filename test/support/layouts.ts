// The tiny benchmarks of the metric data: the official code read them, asked about them and scored them.
import type {ItemId, Prediction} from '../../src/eval/benchmark.js';
import {metricsJson, metricsPath} from './metricsData.js';

/** Holds the benchmarks' files; undefined where this clone lacks it. */
export const benchmarkRoot = metricsPath('layouts/benchmark_root');

export const needsLayouts = 'needs layouts/ of the metric data';

export interface OfficialPrompt {
  readonly instance_id: ItemId;
  readonly image_size: readonly [number, number];
  readonly prompt: string;
  readonly answerability_prompt?: string;
}

export interface OfficialRun {
  readonly predictions: readonly {readonly instance_id: ItemId; readonly prediction: Prediction}[];
  readonly answer_file: unknown;
  readonly metrics?: Readonly<Record<string, unknown>> | null;
}

export interface OfficialVisdial {
  readonly losses: readonly (readonly number[])[];
  readonly answer_file: unknown;
  readonly metrics_official_rule: Readonly<Record<string, number>>;
}

export type OfficialRunName =
  | 'coco'
  | 'vqav2_val'
  | 'vqav2_test'
  | 'okvqa_val'
  | 'vizwiz_test'
  | 'mmvet';

export type OfficialRuns = Readonly<Record<OfficialRunName, OfficialRun>> & {
  readonly visdial_val: OfficialVisdial;
};

export const officialPrompts = () =>
  metricsJson<Record<string, readonly OfficialPrompt[]>>('layouts/expected/prompts.json');

export const officialRuns = () =>
  metricsJson<OfficialRuns>('layouts/expected/predictions-and-results.json');
