import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {
  bootstrapMean,
  bootstrapStatistic,
  pairedBootstrap,
  pairedBootstrapStatistic,
} from '../../../src/eval/metrics/bootstrap.js';
import {Random} from '../../../src/random.js';
import {throwsEmuError} from '../../support/errors.js';

const test = suite('bootstrap');

const random = new Random(7);
const scores = Array.from({length: 400}, () => random.normal());
const mean = scores.reduce((sum, x) => sum + x, 0) / scores.length;

test('the interval of a mean is about two standard errors to each side', () => {
  const {value, low, high} = bootstrapMean(scores, {resamples: 2000});
  assert.ok(Math.abs(value - mean) < 1e-12);
  // 400 numbers of deviation 1: 1.96 / 20 to each side, give or take the draws.
  for (const side of [value - low, high - value]) assert.ok(side > 0.08 && side < 0.115, `${side}`);
});

test('covers the truth about as often as it says', () => {
  let covered = 0;
  for (let trial = 0; trial < 200; trial++) {
    const sample = Array.from({length: 60}, () => random.normal());
    const {low, high} = bootstrapMean(sample, {resamples: 300, seed: trial, confidence: 0.9});
    if (low <= 0 && high >= 0) covered++;
  }
  assert.ok(covered > 165 && covered < 195, `${covered} of 200, expected about 180`);
});

test('the same seed gives the same draws, another seed others', () => {
  const once = bootstrapMean(scores, {seed: 3, resamples: 100});
  assert.equal(bootstrapMean(scores, {seed: 3, resamples: 100}), once);
  assert.not.equal(bootstrapMean(scores, {seed: 4, resamples: 100}), once);
});

test('a statistic of the whole set gets indices of items', () => {
  const asMean = bootstrapStatistic(
    scores.length,
    (indices) => indices.reduce((sum, i) => sum + scores[i]!, 0) / indices.length,
    {resamples: 200, seed: 5},
  );
  assert.equal(asMean, bootstrapMean(scores, {resamples: 200, seed: 5}));
  const largest = bootstrapStatistic(3, (indices) => Math.max(...indices), {resamples: 200});
  assert.is(largest.value, 2);
  assert.is(largest.high, 2);
});

test('pairs share their draws: a constant lead is certain', () => {
  const lead = pairedBootstrap(
    scores.map((x) => x + 0.01),
    scores,
    {resamples: 499},
  );
  assert.ok(Math.abs(lead.low - 0.01) < 1e-9 && Math.abs(lead.high - 0.01) < 1e-9);
  assert.ok(Math.abs(lead.pValue - 2 / 500) < 1e-12);
});

test('two alike systems are not told apart', () => {
  const other = scores.map((x) => x + 0.1 * random.normal());
  const {low, high, pValue} = pairedBootstrap(scores, other, {resamples: 500});
  assert.ok(low < 0 && high > 0 && pValue > 0.05);
  const same = pairedBootstrapStatistic(
    5,
    () => 1,
    () => 1,
    {resamples: 50},
  );
  assert.equal(same, {value: 0, low: 0, high: 0, pValue: 1});
});

test('names what cannot be drawn', () => {
  throwsEmuError(() => bootstrapMean([]), /at least one item/);
  throwsEmuError(() => bootstrapMean([1, Number.NaN]), /finite scores, got NaN at position 1/);
  throwsEmuError(() => bootstrapMean([1], {resamples: 0}), /one resample or more, got 0/);
  throwsEmuError(() => bootstrapMean([1], {confidence: 95}), /between 0 and 1, got 95/);
  throwsEmuError(() => pairedBootstrap([1, 2], [1]), /same length, got 2 and 1/);
  throwsEmuError(() => bootstrapStatistic(3, () => Number.NaN), /values of the statistic, got NaN/);
});

test.run();
