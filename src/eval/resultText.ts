// A result as a table for the terminal.
import type {KindScore} from './benchmark.js';
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
  const {total, official, predicted, scored = predicted, missing, failed, controls = 0} = items;
  const done = unscored === undefined ? 'scored over' : 'predictions of';
  const parts = [`${done} ${countText(scored)} of ${countText(total)} items`];
  if (scored < predicted) parts.push(`${countText(predicted - scored)} not graded`);
  if (failed > 0) parts.push(`${countText(failed)} failed`);
  if (missing > 0) parts.push(`${countText(missing)} missing`);
  if (controls > 0) parts.push(`${countText(controls)} controls`);
  if (official !== null && official !== total)
    parts.push(`the published split has ${countText(official)}`);
  return parts.join(', ');
}

const sections = (parts: readonly string[]) => parts.filter((part) => part !== '').join('\n\n');

/** In the table, which has to fit a terminal. */
const shortNames: Readonly<Record<string, string>> = {
  majority: 'most',
  wording: 'words',
  nearest: 'near',
  shuffled: 'other',
  reversed: 'back',
};

/** Each kind's score between what is right without the model and what is right with the wrong pictures. */
export function kindRows({scores, intervals, kinds = []}: EvalResult): string[][] {
  if (kinds.length === 0) return [];
  const namesOf = (of: (kind: KindScore) => object) => [
    ...new Set(kinds.flatMap((kind) => Object.keys(of(kind)))),
  ];
  const baselines = namesOf((kind) => kind.baselines);
  const controls = namesOf((kind) => kind.controls);
  const percent = (value: number | null | undefined) => value?.toFixed(1) ?? '-';
  return [
    [
      ...['kind', 'n', 'right %', '95 %'],
      ...[...baselines, ...controls].map((name) => shortNames[name] ?? name),
    ],
    ...kinds.map((one) => {
      const interval = intervals[one.kind];
      return [
        one.kind,
        String(one.count),
        percent(scores[one.kind]),
        interval ? `${percent(interval.low)}-${percent(interval.high)}` : '-',
        ...baselines.map((name) => percent(one.baselines[name])),
        ...controls.map((name) => percent(one.controls[name]?.score)),
      ];
    }),
  ];
}

/** What the numbers of `kindRows` are. */
export function kindLegend({kinds = []}: EvalResult): string {
  const counts = new Set(
    kinds.flatMap(({controls}) => Object.values(controls).map(({count}) => count)),
  );
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const of = least === most ? String(most) : `${least} to ${most}`;
  const names = new Set(kinds.flatMap(({controls}) => Object.keys(controls)));
  const meanings = [
    ['blank', 'blank: a white picture'],
    ['shuffled', 'other: that of another question'],
    ['first', 'first: a clip’s first frame alone'],
    ['reversed', 'back: a clip backwards, which turns the right answer round'],
  ];
  const told = meanings.flatMap(([name, meaning]) => (names.has(name!) ? [`  ${meaning}`] : []));
  return [
    'without the model:',
    '  most: the commonest answer; words: the best guess from the question alone',
    '  near: what was right for the training picture that is nearest by its pixels',
    ...(told.length === 0
      ? []
      : [`the model with another picture, asked of ${of} a kind:`, ...told]),
  ].join('\n');
}

function unknownText({unknownWords}: EvalResult): string {
  if (!unknownWords) return '';
  const {questions, answers, items, words} = unknownWords;
  return `the model has no tokens for words of ${countText(questions)} of ${countText(items)} questions and of the right answers to ${countText(answers)}: ${words.join(', ')}`;
}

/** All of a result that a person reads: scores and intervals, then the paper's numbers beside ours. */
export function resultText(result: EvalResult): string {
  const {benchmark, split, headline, scores, intervals, details, paper, note, unscored} = result;
  const {kinds = []} = result;
  const ours = scores[headline];
  const head = `${benchmark} ${split}: ${coverage(result)}${result.isPartial ? ' (partial)' : ''}`;
  const {examples} = result.options;
  const intervalText = (metric: string) => {
    const interval = intervals[metric];
    return interval ? rangeText(interval) : '';
  };
  const table = alignRows([
    ['metric', 'score', '95 % interval'],
    ...Object.entries(scores)
      .filter(([metric]) => !kinds.some(({kind}) => kind === metric))
      .map(([metric, value]) => [metric, scoreText(value), intervalText(metric)]),
  ]);
  const apart = Object.keys(scores).length > kinds.length;
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
    unscored ?? (apart ? table : ''),
    alignRows(kindRows(result)),
    kinds.length > 0 ? kindLegend(result) : '',
    ...parts,
    paper.length > 0 ? beside : '',
    failures,
    unknownText(result),
    note ? `(${note})` : '',
  ]);
}
