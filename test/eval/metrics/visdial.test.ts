import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {
  ndcg,
  orderByLoss,
  ranksFromLosses,
  type VisdialRound,
  visdialScores,
} from '../../../src/eval/metrics/visdial.js';
import {throwsEmuError} from '../../support/errors.js';
import {isNear, testOnMetrics} from '../../support/metricsData.js';

interface VisdialFile {
  readonly expected: Record<
    'r@1' | 'r@5' | 'r@10' | 'mean' | 'mrr' | 'ndcg' | 'n_rounds' | 'n_dense',
    number
  >;
  readonly dialogs: readonly {
    readonly image_id: number;
    readonly rounds: readonly {round_id: number; gt_index: number; ranks: number[]}[];
    readonly dense_round_id: number;
    readonly gt_relevance: readonly number[];
    readonly ndcg: number | null;
  }[];
}

interface RanksFile {
  readonly loss_to_ranks: readonly {
    readonly losses: readonly number[];
    readonly predict_returns_argsort: readonly number[];
    readonly submission_ranks: readonly number[];
    readonly has_tie: boolean;
  }[];
}

const test = suite('VisDial');

testOnMetrics<VisdialFile>(test, 'equals the challenge code', 'visdial/visdial-50.json', (json) => {
  const rounds: VisdialRound[] = [];
  for (const dialog of json.dialogs)
    for (const {round_id, gt_index, ranks} of dialog.rounds) {
      const isDense = round_id === dialog.dense_round_id;
      rounds.push({
        ranks,
        gtIndex: gt_index,
        ...(isDense ? {relevance: dialog.gt_relevance} : {}),
      });
      if (!isDense) continue;
      const found = ndcg(ranks, dialog.gt_relevance);
      assert.ok(
        isNear(found, dialog.ndcg ?? Number.NaN, 1e-9),
        `dialog ${dialog.image_id}: ${found}`,
      );
    }
  const scores = visdialScores(rounds);
  const {expected} = json;
  const pairs = {
    recallAt1: expected['r@1'],
    recallAt5: expected['r@5'],
    recallAt10: expected['r@10'],
    meanRank: expected.mean,
    mrr: expected.mrr,
    ndcg: expected.ndcg,
  };
  for (const [key, value] of Object.entries(pairs)) {
    const found = scores[key as keyof typeof pairs];
    assert.ok(isNear(found, value, 1e-9), `${key}: ${found}, expected ${value}`);
  }
  assert.is(scores.numRounds, expected.n_rounds);
  assert.is(scores.numDense, expected.n_dense);
});

testOnMetrics<RanksFile>(test, 'losses become ranks', 'visdial/loss-to-ranks.json', (json) => {
  for (const item of json.loss_to_ranks) {
    assert.equal(orderByLoss(item.losses), item.predict_returns_argsort);
    assert.equal(ranksFromLosses(item.losses), item.submission_ranks);
  }
});

test('a perfect order gains 1, relevances count as they are', () => {
  assert.is(ndcg([1, 2, 3], [1, 0.5, 0]), 1);
  const gain = (0.5 + 1 / Math.log2(3)) / (1 + 0.5 / Math.log2(3));
  assert.ok(Math.abs(ndcg([2, 1, 3], [1, 0.5, 0]) - gain) < 1e-12);
});

test('without a relevant candidate the gain is NaN, and the mean with it', () => {
  assert.ok(Number.isNaN(ndcg([1, 2, 3], [0, 0, 0])));
  const round = {ranks: [1, 2, 3], gtIndex: 0};
  assert.ok(Number.isNaN(visdialScores([{...round, relevance: [0, 0, 0]}]).ndcg));
  assert.ok(Number.isNaN(visdialScores([round]).ndcg));
  assert.is(visdialScores([round]).mrr, 1);
});

test('equal losses keep their order', () => {
  assert.equal(ranksFromLosses(Float32Array.of(2, 1, 2, 1)), [3, 1, 4, 2]);
});

test('names what cannot be scored', () => {
  throwsEmuError(() => ranksFromLosses([]), /expected candidates, got none/);
  throwsEmuError(
    () => ranksFromLosses([1, Number.NaN]),
    /expected finite losses, got NaN at position 1/,
  );
  throwsEmuError(() => visdialScores([]), /expected rounds, got none/);
  throwsEmuError(
    () => visdialScores([{ranks: [1, 1], gtIndex: 0}]),
    /each rank from 1 to 2 once, got 1/,
  );
  throwsEmuError(
    () => visdialScores([{ranks: [0, 1], gtIndex: 0}]),
    /each rank from 1 to 2 once, got 0/,
  );
  throwsEmuError(
    () => visdialScores([{ranks: [1, 2], gtIndex: 2}]),
    /its right answer is number 2/,
  );
  throwsEmuError(() => ndcg([1, 2], [1]), /relevance for each of 2 candidates, got 1/);
});

test.run();
