import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {exactMatch, exactMatchAccuracy} from '../../../src/eval/metrics/exactMatch.js';
import {throwsEmuError} from '../../support/errors.js';
import {isNear, testOnMetrics} from '../../support/metricsData.js';

interface ExactMatchFile {
  readonly expected: Record<'exact_lower_strip' | 'exact_short' | 'exact_vqa_norm', number>;
  readonly items: readonly {
    readonly answer: string;
    readonly raw_prediction: string;
    readonly short_answer: string;
    readonly exact_short: number;
    readonly vqa_normalized_pred: string;
    readonly vqa_normalized_answer: string;
    readonly exact_vqa_norm: number;
    readonly exact_lower_strip: number;
  }[];
}

const test = suite('exact match');

testOnMetrics<ExactMatchFile>(test, 'each rule', 'videoqa/exact-match.json', (json) => {
  for (const item of json.items) {
    const found = exactMatch(item.raw_prediction, item.answer);
    assert.equal(
      found,
      {
        plain: item.exact_lower_strip === 1,
        short: item.exact_short === 1,
        normalized: item.exact_vqa_norm === 1,
        shortAnswer: item.short_answer,
        normalizedPrediction: item.vqa_normalized_pred,
        normalizedAnswer: item.vqa_normalized_answer,
      },
      item.raw_prediction,
    );
  }
  const percent = exactMatchAccuracy(
    json.items.map(({answer, raw_prediction}) => ({answer, prediction: raw_prediction})),
  );
  assert.ok(isNear(percent.plain, json.expected.exact_lower_strip, 1e-9));
  assert.ok(isNear(percent.short, json.expected.exact_short, 1e-9));
  assert.ok(isNear(percent.normalized, json.expected.exact_vqa_norm, 1e-9));
});

test('an empty set has no accuracy', () => {
  throwsEmuError(() => exactMatchAccuracy([]), /expected items, got none/);
});

test.run();
