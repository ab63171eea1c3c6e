// A result as a table for the terminal.
import type {EvalResult} from './result.js';
import {firstFew} from './firstFew.js';

/** 0.6289, 1.2040, 52.90. */
export function scoreText(value: number | null): string {
  return value === null ? '-' : value.toFixed(places(value));
}

/** Fewer places of scores in percent. */
const places = (value: number) => (Math.abs(value) >= 10 ? 2 : 4);

/** `0.00 to 74.00`: both ends alike. */
export function rangeText({low, high}: {readonly low: number; readonly high: number}): string {
  const digits = places(Math.max(Math.abs(low), Math.abs(high)));
  return `${low.toFixed(digits)} to ${high.toFixed(digits)}`;
}

export const countText = (count: number) => count.toLocaleString('en-US');

/** Columns that line up: the first to the left, the others to the left as well. */
export function alignRows(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `scored over 812 of 5,000 items` */
export function coverage({items, unscored}: EvalResult): string {
  const {total, official, predicted, scored = predicted, missing, failed} = items;
  const done = unscored === undefined ? 'scored over' : 'predictions of';
  const parts = [`${done} ${countText(scored)} of ${countText(total)} items`];
  if (scored < predicted) parts.push(`${countText(predicted - scored)} not graded`);
  if (failed > 0) parts.push(`${countText(failed)} failed`);
  if (missing > 0) parts.push(`${countText(missing)} missing`);
  if (official !== null && official !== total)
    parts.push(`the published split has ${countText(official)}`);
  return parts.join(', ');
}

const sections = (parts: readonly string[]) => parts.filter((part) => part !== '').join('\n\n');

/** All of a result that a person reads: scores and intervals, then the paper's numbers beside ours. */
export function resultText(result: EvalResult): string {
  const {benchmark, split, headline, scores, intervals, details, paper, note, unscored} = result;
  const ours = scores[headline];
  const head = `${benchmark} ${split}: ${coverage(result)}${result.isPartial ? ' (partial)' : ''}`;
  const {examples} = result.options;
  const intervalText = (metric: string) => {
    const interval = intervals[metric];
    return interval ? rangeText(interval) : '';
  };
  const table = alignRows([
    ['metric', 'score', '95 % interval'],
    ...Object.entries(scores).map(([metric, value]) => [
      metric,
      scoreText(value),
      intervalText(metric),
    ]),
  ]);
  const parts = Object.entries(details).map(([kind, values]) =>
    alignRows([
      [kind, headline],
      ...Object.entries(values).map(([part, value]) => [part, scoreText(value)]),
    ]),
  );
  const beside = alignRows([
    ['', headline, ''],
    ['this run', scoreText(ours ?? null), intervalText(headline)],
    ...paper.map(({model, value, source}) => [model, scoreText(value), source]),
  ]);
  const {failed} = result;
  const failures =
    failed.length === 0 ? '' : `failed: ${firstFew(failed.map(({id}) => id))}; ${failed[0]!.error}`;
  return sections([
    typeof examples === 'string' ? `${head}\n${examples}` : head,
    unscored ?? table,
    ...parts,
    paper.length > 0 ? beside : '',
    failures,
    note ? `(${note})` : '',
  ]);
}
