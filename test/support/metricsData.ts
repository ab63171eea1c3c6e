// Reference numbers of the evaluation metrics, made by their official code.
// EMU_METRICS=DIR takes another set in the same layout; else ../shared/metrics beside the clone; else
// the part of it that the repository carries.
import {existsSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import type {Test} from 'uvu';
import {skip} from './skip.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

function sets(): string[] {
  if (process.env.EMU_METRICS) return [path.resolve(process.env.EMU_METRICS)];
  return [path.resolve(root, '../shared/metrics'), path.join(root, 'fixtures/metrics')];
}

/** A file or folder of the metric set, e.g. `vqa/vqa-400.json`; undefined where this clone lacks it. */
export function metricsPath(relative: string): string | undefined {
  return sets()
    .map((set) => path.join(set, relative))
    .find((file) => existsSync(file));
}

/** The parsed JSON of such a file, or undefined where this clone lacks it. */
export function metricsJson<T>(relative: string): T | undefined {
  const file = metricsPath(relative);
  return file === undefined ? undefined : (JSON.parse(readFileSync(file, 'utf8')) as T);
}

/** A test on such a file: `run` gets its parsed JSON. Left out by name where this clone lacks the file. */
export function testOnMetrics<T>(
  test: Test,
  name: string,
  relative: string,
  run: (json: T) => void,
): void {
  const json = metricsJson<T>(relative);
  if (json === undefined) skip(test, name, `needs ${relative} of the metric data`);
  else test(name, () => run(json));
}

/** Whether two numbers are both NaN or no further apart than `atol`. */
export function isNear(a: number, b: number, atol: number): boolean {
  return (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= atol;
}
