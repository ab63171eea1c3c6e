// Bootstrap (Efron 1979): how far a score would move with another set of items of the same kind, by drawing
// the items anew with replacement. Intervals are percentile intervals. The same seed gives the same draws.
import {Random} from '../../random.js';
import {checkFinite, checkPaired, MetricError} from './metricError.js';

export interface BootstrapOptions {
  /** How often the items are drawn. Default 1000. */
  readonly resamples?: number;
  /** Share of the draws inside the interval. Default 0.95. */
  readonly confidence?: number;
  /** Default 0. */
  readonly seed?: number;
}

export interface Interval {
  /** Of the items as they are. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface PairedDifference extends Interval {
  /**
   * Two-sided: how often, at least, the difference falls on the other side of zero, twice. With b draws
   * never below 2 / (b + 1).
   */
  readonly pValue: number;
}

/** A corpus statistic of the items at these indices, some of them several times. */
export type Statistic = (indices: Int32Array) => number;

/** The p-quantile of ascending numbers, linear between neighbours (as numpy.quantile). */
function quantile(ascending: ArrayLike<number>, p: number): number {
  const at = p * (ascending.length - 1);
  const below = ascending[Math.floor(at)]!;
  const above = ascending[Math.ceil(at)]!;
  return below + (above - below) * (at - Math.floor(at));
}

function draw(numItems: number, statistic: Statistic, options: BootstrapOptions): Float64Array {
  const {resamples = 1000, confidence = 0.95, seed = 0} = options;
  if (!Number.isInteger(numItems) || numItems < 1)
    throw new MetricError('bootstrap', `expected at least one item, got ${numItems}`);
  if (!Number.isInteger(resamples) || resamples < 1)
    throw new MetricError('bootstrap', `expected one resample or more, got ${resamples}`);
  if (!(confidence > 0 && confidence < 1))
    throw new MetricError('bootstrap', `expected a confidence between 0 and 1, got ${confidence}`);
  const random = new Random(seed);
  const indices = new Int32Array(numItems);
  return Float64Array.from({length: resamples}, () => {
    for (let i = 0; i < numItems; i++) indices[i] = random.below(numItems);
    return statistic(indices);
  });
}

function interval(value: number, drawn: Float64Array, confidence = 0.95): Interval {
  checkFinite('bootstrap', 'values of the statistic', [value, ...drawn]);
  const ascending = drawn.toSorted();
  const tail = (1 - confidence) / 2;
  return {value, low: quantile(ascending, tail), high: quantile(ascending, 1 - tail)};
}

function meanAt(scores: ArrayLike<number>, indices: Int32Array): number {
  let sum = 0;
  for (const index of indices) sum += scores[index]!;
  return sum / indices.length;
}

/**
 * The interval of a statistic computed from the whole set (BLEU, CIDEr), of `numItems` items. The indices
 * are reused between calls: the statistic must not keep them.
 */
export function bootstrapStatistic(
  numItems: number,
  statistic: Statistic,
  options: BootstrapOptions = {},
): Interval {
  const drawn = draw(numItems, statistic, options);
  const value = statistic(Int32Array.from({length: numItems}, (_, i) => i));
  return interval(value, drawn, options.confidence);
}

/** The interval of the mean of one score an item. */
export function bootstrapMean(scores: ArrayLike<number>, options: BootstrapOptions = {}): Interval {
  checkFinite('bootstrap', 'scores', scores);
  return bootstrapStatistic(scores.length, (indices) => meanAt(scores, indices), options);
}

/** The interval of A's statistic less B's, both on the same draws of the items. */
export function pairedBootstrapStatistic(
  numItems: number,
  statisticA: Statistic,
  statisticB: Statistic,
  options: BootstrapOptions = {},
): PairedDifference {
  const difference: Statistic = (indices) => statisticA(indices) - statisticB(indices);
  const drawn = draw(numItems, difference, options);
  const value = difference(Int32Array.from({length: numItems}, (_, i) => i));
  const numBelow = drawn.filter((each) => each <= 0).length;
  const numAbove = drawn.filter((each) => each >= 0).length;
  // One is added to both counts: the set as it is counts as a draw, so that p is never 0.
  const pValue = Math.min(1, (2 * (Math.min(numBelow, numAbove) + 1)) / (drawn.length + 1));
  return {...interval(value, drawn, options.confidence), pValue};
}

/** The interval of the mean of A's scores less the mean of B's, on the same items. */
export function pairedBootstrap(
  scoresA: ArrayLike<number>,
  scoresB: ArrayLike<number>,
  options: BootstrapOptions = {},
): PairedDifference {
  checkPaired('bootstrap', scoresA, scoresB);
  checkFinite('bootstrap', 'scores', scoresA);
  checkFinite('bootstrap', 'scores', scoresB);
  return pairedBootstrapStatistic(
    scoresA.length,
    (indices) => meanAt(scoresA, indices),
    (indices) => meanAt(scoresB, indices),
    options,
  );
}
