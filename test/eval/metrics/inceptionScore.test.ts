import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {inceptionScore} from '../../../src/eval/metrics/inceptionScore.js';
import {throwsEmuError} from '../../support/errors.js';
import {isNear, testOnMetrics} from '../../support/metricsData.js';

interface FidFile {
  readonly inception_score: {
    readonly probs: readonly (readonly number[])[];
    readonly [splits: `splits_${number}`]: readonly [number, number];
  };
}

const test = suite('inception score');

testOnMetrics<FidFile>(test, 'equals the official code', 'fid/fid.json', ({inception_score}) => {
  const {probs} = inception_score;
  const cases = Object.entries(inception_score).filter(([key]) => key.startsWith('splits_'));
  assert.ok(cases.length > 0);
  for (const [key, value] of cases) {
    const [mean, std] = value as readonly [number, number];
    const splits = Number(key.slice('splits_'.length));
    const found = inceptionScore(Float64Array.from(probs.flat()), probs[0]!.length, splits);
    assert.ok(isNear(found.mean, mean, 1e-9), `${key}: ${found.mean}, expected ${mean}`);
    assert.ok(isNear(found.std, std, 1e-9), `${key}: ${found.std}, expected ${std}`);
  }
});

test('is the number of classes for certain and even pictures, 1 for uncertain ones', () => {
  const certain = inceptionScore([1, 0, 0, 0, 1, 0, 0, 0, 1], 3, 1);
  assert.ok(isNear(certain.mean, 3, 1e-12));
  assert.is(certain.std, 0);
  assert.ok(isNear(inceptionScore(new Float32Array(12).fill(0.25), 4, 3).mean, 1, 1e-6));
});

test('names what cannot be scored', () => {
  throwsEmuError(() => inceptionScore([], 3, 1), /rows of 3 probabilities, got 0/);
  throwsEmuError(() => inceptionScore([1, 0, 1], 2, 1), /rows of 2 probabilities, got 3/);
  throwsEmuError(() => inceptionScore([1, 0], 2, 2), /1 to 1 splits, got 2/);
  throwsEmuError(() => inceptionScore([5, -1], 2, 1), /expected probabilities, got 5/);
  throwsEmuError(() => inceptionScore([Number.NaN, 1], 2, 1), /expected probabilities, got NaN/);
});

test.run();
