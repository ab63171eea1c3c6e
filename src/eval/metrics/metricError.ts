import {EmuError} from '../../errors.js';

/** Input that a metric cannot score: what came, and what it takes instead. */
export class MetricError extends EmuError {
  constructor(metric: string, problem: string) {
    super(`${metric}: ${problem}`, {code: 'bad_metric_input'});
  }
}

/** Throws unless both lists have the same length, and at least one item. */
export function checkPaired(metric: string, a: ArrayLike<unknown>, b: ArrayLike<unknown>): void {
  if (a.length !== b.length)
    throw new MetricError(
      metric,
      `expected two lists of the same length, got ${a.length} and ${b.length}`,
    );
  if (a.length === 0) throw new MetricError(metric, 'expected at least one item, got none');
}

/** Throws unless every value is a finite number. */
export function checkFinite(metric: string, what: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i]))
      throw new MetricError(metric, `expected finite ${what}, got ${values[i]} at position ${i}`);
}

/** The mean of some numbers, added up from the first to the last as the official code does. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
