// Whether one run is better than another: both on the same items, drawn anew together (paired bootstrap).
import {EmuError} from '../errors.js';
import {mean} from './metrics/metricError.js';
import {pairedBootstrap} from './metrics/bootstrap.js';
import type {ItemScores} from './result.js';
import {alignRows, countText, rangeText, scoreText} from './resultText.js';

export interface MetricComparison {
  readonly metric: string;
  /** Means over the items that both runs scored. */
  readonly a: number;
  readonly b: number;
  readonly difference: number;
  /** Of the difference, 95 %. */
  readonly low: number;
  readonly high: number;
  readonly pValue: number;
  /** p is below 0.05. */
  readonly isReal: boolean;
  readonly items: number;
}

export interface Comparison {
  readonly metrics: readonly MetricComparison[];
  /** Items that only one of the runs scored: left out. */
  readonly onlyA: number;
  readonly onlyB: number;
}

const LEVEL = 0.05;

/** Throws where the runs share fewer than two scored items. */
export function compareRuns(a: readonly ItemScores[], b: readonly ItemScores[]): Comparison {
  const ofB = new Map(b.map(({id, scores}) => [String(id), scores]));
  const pairs = a.flatMap(({id, scores}) => {
    const other = ofB.get(String(id));
    return other ? [[scores, other] as const] : [];
  });
  const metrics = [...new Set(pairs.flatMap(([scores]) => Object.keys(scores)))];
  const compared = metrics.flatMap((metric): MetricComparison[] => {
    const both = pairs.flatMap(([one, other]) => {
      const [x, y] = [one[metric], other[metric]];
      return x === undefined || y === undefined ? [] : [[x, y] as const];
    });
    if (both.length < 2) return [];
    const scoresA = both.map(([x]) => x);
    const scoresB = both.map(([, y]) => y);
    const {value, low, high, pValue} = pairedBootstrap(scoresA, scoresB);
    const sides = {a: mean(scoresA), b: mean(scoresB)};
    const facts = {difference: value, low, high, pValue, isReal: pValue < LEVEL};
    return [{metric, ...sides, ...facts, items: both.length}];
  });
  if (compared.length === 0)
    throw new EmuError(
      `compare: the runs share ${pairs.length} items with scores; expected two or more`,
      {code: 'nothing_to_compare'},
    );
  return {metrics: compared, onlyA: a.length - pairs.length, onlyB: b.length - pairs.length};
}

/** `headline` is judged in words; all metrics stand in the table. */
export function comparisonText({metrics, onlyA, onlyB}: Comparison, headline: string): string {
  const table = alignRows([
    ['metric', 'A', 'B', 'A - B', '95 % interval', 'p', 'items'],
    ...metrics.map(({metric, a, b, difference, low, high, pValue, items}) => [
      metric,
      ...[a, b, difference].map(scoreText),
      rangeText({low, high}),
      pValue.toFixed(3),
      countText(items),
    ]),
  ]);
  const judged = metrics.find(({metric}) => metric === headline) ?? metrics[0]!;
  const {difference, isReal, items} = judged;
  const verdict = isReal
    ? `${judged.metric}: ${difference > 0 ? 'A' : 'B'} scores higher; other items of this kind would show it too`
    : `${judged.metric}: no real difference; ${countText(items)} items can't tell A from B`;
  const left =
    onlyA + onlyB > 0
      ? `\n(left out: ${countText(onlyA)} items that only A has scores of, ${countText(onlyB)} only B)`
      : '';
  return `${table}\n\n${verdict}${left}`;
}
