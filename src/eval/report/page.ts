// One HTML page of several runs that needs nothing else: no scripts, pictures inside it, light or dark as the
// reader's system is.
import {coverage, kindLegend, kindRows, rangeText, scoreText} from '../resultText.js';
import type {EvalResult} from '../result.js';
import type {Sample, Samples} from './samples.js';

export interface ReportedRun {
  /** The folder. */
  readonly name: string;
  readonly result: EvalResult;
  readonly samples: Samples;
}

const style = `
:root { color-scheme: light dark; --page: #fff; --ink: #111827; --soft: #4b5563; --line: #d1d5db; --card: #f3f4f6; --ours: #2563eb; --theirs: #9ca3af; --warn: #b45309 }
@media (prefers-color-scheme: dark) { :root { --page: #111418; --ink: #f3f4f6; --soft: #9ca3af; --line: #374151; --card: #1a1f26; --ours: #60a5fa; --theirs: #6b7280; --warn: #fbbf24 } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem } h3 { font-size: 1rem }
p, figcaption { margin: .3rem 0 } .soft { color: var(--soft) } .warn { color: var(--warn) }
.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); overflow-wrap: normal; vertical-align: top } td.number { text-align: right; white-space: nowrap }
.bars { display: grid; grid-template-columns: minmax(5rem, auto) 1fr auto; gap: .3rem .7rem; align-items: center; margin: 1rem 0 }
.track { position: relative; height: .9rem; background: var(--card) } .bar { position: absolute; inset: 0 auto 0 0; background: var(--theirs) } .ours .bar { background: var(--ours) }
.range { position: absolute; top: .35rem; height: .2rem; background: var(--ink) } .row { display: contents }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(14rem, 100%), 1fr)); gap: .8rem }
figure { margin: 0; background: var(--card); border-radius: .4rem; overflow: hidden; font-size: .9rem } figure img { width: 100%; height: 11rem; object-fit: contain; background: var(--line); display: block } figure div { padding: .5rem .7rem }
summary { cursor: pointer }`;

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeText = (text: string) => text.replace(/[&<>"']/g, (character) => escapes[character]!);

/** Cells that are numbers are set to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string) =>
    `<td${/^-?[\d.,]+$|^-$/.test(text) ? ' class="number"' : ''}>${escapeText(text)}</td>`;
  const heads = head.map((text) => `<th>${escapeText(text)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n');
  return `<div class="wide"><table><tr>${heads}</tr>\n${body}</table></div>`;
}

function intervalText({intervals}: EvalResult, metric: string): string {
  const interval = intervals[metric];
  return interval ? rangeText(interval) : '';
}

function percent(value: number, most: number): string {
  return `${Math.max(0, Math.min(100, (100 * value) / most)).toFixed(2)}%`;
}

/** Our score with its interval above the paper's numbers, on one scale. */
function bars(result: EvalResult): string {
  const {scores, headline, intervals, paper} = result;
  const ours = scores[headline] ?? null;
  const interval = intervals[headline];
  const most = Math.max(ours ?? 0, interval?.high ?? 0, ...paper.map(({value}) => value));
  if (!(most > 0)) return '';
  const row = (label: string, value: number, title: string, isOurs: boolean) => {
    const range =
      isOurs && interval
        ? `<span class="range" style="left:${percent(interval.low, most)};width:${percent(interval.high - interval.low, most)}"></span>`
        : '';
    return `<div class="row${isOurs ? ' ours' : ''}" title="${escapeText(title)}"><span>${escapeText(label)}</span><span class="track"><span class="bar" style="width:${percent(value, most)}"></span>${range}</span><span>${scoreText(value)}</span></div>`;
  };
  const rows = [
    ...(ours === null ? [] : [row('this run', ours, intervalText(result, headline), true)]),
    ...paper.map(({model, value, source}) => row(model, value, source, false)),
  ];
  return `<p>${escapeText(headline)}${interval ? ', the line is the 95 % interval' : ''}</p>\n<div class="bars">\n${rows.join('\n')}\n</div>`;
}

function card({id, question, said, expected, score, picture}: Sample): string {
  const lines = [
    ...(question === '' ? [] : [`<p>${escapeText(question)}</p>`]),
    `<p><strong>${escapeText(said)}</strong></p>`,
    ...(expected.length === 0
      ? []
      : [`<p class="soft">people: ${escapeText(expected.join(' · '))}</p>`]),
    `<p class="soft">${escapeText(id)}${score === undefined ? '' : `, ${scoreText(score)}`}</p>`,
  ];
  const image = picture ? `<img src="${picture}" alt="item ${escapeText(id)}" loading="lazy">` : '';
  return `<figure>${image}<div>${lines.join('\n')}</div></figure>`;
}

function section({name, result, samples}: ReportedRun, i: number): string {
  const {benchmark, split, scores, details, paper, unscored, note, failed, options} = result;
  const [head, ...rows] = kindRows(result);
  const apart = new Set(rows.map(([kind]) => kind));
  const metrics = Object.entries(scores)
    .filter(([metric]) => !apart.has(metric))
    .map(([metric, value]) => [metric, scoreText(value), intervalText(result, metric)]);
  const parts = Object.entries(details).map(
    ([kind, values]) =>
      `<details><summary>By ${escapeText(kind)}</summary>${table(
        [kind, result.headline],
        Object.entries(values).map(([part, value]) => [part, scoreText(value)]),
      )}</details>`,
  );
  const groups = samples.groups.map(
    ({title, samples: all}) =>
      `<h3>${escapeText(title)}</h3>\n<div class="cards">\n${all.map(card).join('\n')}\n</div>`,
  );
  const notes = [...samples.notes, ...(note === undefined ? [] : [note])];
  return [
    `<section id="run-${i + 1}">`,
    `<h2>${escapeText(`${benchmark} ${split}`)}</h2>`,
    `<p class="soft">${escapeText(name)}</p>`,
    `<p${result.isPartial ? ' class="warn"' : ''}>${escapeText(coverage(result))}</p>`,
    ...(unscored === undefined ? [] : [`<p>${escapeText(unscored)}</p>`]),
    bars(result),
    ...(metrics.length > 0 ? [table(['metric', 'score', '95 % interval'], metrics)] : []),
    ...(head ? [table(head, rows), `<p class="soft">${escapeText(kindLegend(result))}</p>`] : []),
    ...parts,
    `<details><summary>The paper’s numbers and this run’s options</summary>`,
    table(
      ['model', result.headline, 'source'],
      paper.map(({model, value, source}) => [model, scoreText(value), source]),
    ),
    table(
      ['option', 'value'],
      Object.entries(options).map(([key, value]) => [
        key,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
    ),
    '</details>',
    ...(failed.length === 0
      ? []
      : [
          `<details><summary>${failed.length} failed</summary>${table(
            ['item', 'error'],
            failed.map(({id, error}) => [String(id), error]),
          )}</details>`,
        ]),
    ...groups,
    ...notes.map((text) => `<p class="soft">${escapeText(text)}</p>`),
    '</section>',
  ].join('\n');
}

/** The page, complete. */
export function reportPage(runs: readonly ReportedRun[]): string {
  const rows = runs.map(({result}) => [
    `${result.benchmark} ${result.split}`,
    result.headline,
    scoreText(result.scores[result.headline] ?? null),
    intervalText(result, result.headline),
    coverage(result),
  ]);
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<title>Evaluation by emu</title>',
    `<style>${style}</style>`,
    '<h1>Evaluation by emu</h1>',
    table(['benchmark', 'metric', 'score', '95 % interval', 'items'], rows),
    ...runs.map(section),
    '</html>',
    '',
  ].join('\n');
}
