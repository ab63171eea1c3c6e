import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {selectSupport} from '../../../src/eval/metrics/rices.js';
import {throwsEmuError} from '../../support/errors.js';
import {isNear, testOnMetrics} from '../../support/metricsData.js';

interface RicesFile {
  readonly support: readonly number[][];
  readonly queries: readonly number[][];
  readonly expected: readonly {
    readonly query: number;
    readonly top_cosines: readonly number[];
    readonly prompt_order: Record<string, readonly number[]>;
  }[];
}

const test = suite('RICES');

testOnMetrics<RicesFile>(test, 'prompt orders', 'fewshot/rices.json', (json) => {
  for (const {query, top_cosines, prompt_order} of json.expected) {
    const vector = json.queries[query]!;
    const best = selectSupport(vector, json.support, top_cosines.length).reverse();
    for (const [i, value] of top_cosines.entries())
      assert.ok(isNear(best[i]!.cosine, value, 1e-9), `query ${query}, place ${i}`);
    for (const [shots, order] of Object.entries(prompt_order)) {
      const found = selectSupport(vector, json.support, Number(shots));
      const byIndex = new Map(
        selectSupport(vector, json.support, json.support.length).map((each) => [
          each.index,
          each.cosine,
        ]),
      );
      // Equally similar examples may change places: then their cosines agree.
      for (const [i, index] of order.entries())
        assert.ok(
          found[i]!.index === index || isNear(found[i]!.cosine, byIndex.get(index)!, 1e-12),
          `query ${query}, ${shots} shots: ${found.map((each) => each.index)}, not ${order}`,
        );
    }
  }
});

test('the likest comes last, and length does not matter', () => {
  const support = [
    [0, 1],
    [10, 1],
    [1, 1],
    [-1, 0],
  ];
  const order = (shots: number) => selectSupport([2, 0], support, shots).map(({index}) => index);
  assert.equal(order(2), [2, 1]);
  assert.equal(order(4), [3, 0, 2, 1]);
  assert.equal(order(0), []);
});

test('of equally similar examples the earlier one is nearer to the query', () => {
  const order = selectSupport(
    [1, 0],
    [
      [1, 0],
      [2, 0],
      [0, 1],
    ],
    2,
  ).map(({index}) => index);
  assert.equal(order, [1, 0]);
});

test('names what cannot be chosen', () => {
  throwsEmuError(() => selectSupport([1], [[1]], 2), /expected 0 to 1 shots, got 2/);
  throwsEmuError(() => selectSupport([1], [[1, 2]], 1), /vectors of one length, got 1 and 2/);
  throwsEmuError(() => selectSupport([0], [[1]], 1), /not all zero/);
});

test.run();
