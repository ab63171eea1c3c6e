// Visual Dialog (Das et al. 2017): how high the right answer stands among the candidates (recall, mean
// rank, mean reciprocal rank), and how well the order fits what people found relevant (NDCG).
import {checkFinite, MetricError, mean} from './metricError.js';

/** Candidate losses -> the order of the candidates, the most likely first; equal losses keep theirs. */
export function orderByLoss(losses: ArrayLike<number>): number[] {
  if (losses.length === 0) throw new MetricError('visdial', 'expected candidates, got none');
  checkFinite('visdial', 'losses', losses);
  return Array.from(losses, (_, i) => i).sort((a, b) => losses[a]! - losses[b]!);
}

/** Candidate losses -> the rank of each candidate, from 1, as the result file has them. */
export function ranksFromLosses(losses: ArrayLike<number>): number[] {
  const ranks = new Array<number>(losses.length);
  for (const [position, candidate] of orderByLoss(losses).entries())
    ranks[candidate] = position + 1;
  return ranks;
}

/** Candidates by rank. Throws unless the ranks are the numbers from 1 on, each once. */
function orderByRank(ranks: readonly number[]): number[] {
  const order = new Array<number>(ranks.length).fill(-1);
  for (const [candidate, rank] of ranks.entries()) {
    if (order[rank - 1] !== -1)
      throw new MetricError(
        'visdial',
        `expected each rank from 1 to ${ranks.length} once, got ${rank} at candidate ${candidate}`,
      );
    order[rank - 1] = candidate;
  }
  return order;
}

/** A relevance found at position 0 counts whole, at position 1 divided by log2(3), and so on. */
function discountedGain(relevances: readonly number[]): number {
  return relevances.reduce((sum, relevance, i) => sum + relevance / Math.log2(i + 2), 0);
}

/**
 * Normalised discounted cumulative gain of the first k candidates, k being how many have any relevance.
 * NaN where none has, as in the official code.
 */
export function ndcg(ranks: readonly number[], relevance: readonly number[]): number {
  if (ranks.length !== relevance.length)
    throw new MetricError(
      'NDCG',
      `expected a relevance for each of ${ranks.length} candidates, got ${relevance.length}`,
    );
  checkFinite('NDCG', 'relevances', relevance);
  const k = relevance.filter((value) => value !== 0).length;
  const found = orderByRank(ranks).slice(0, k);
  const ideal = relevance.toSorted((a, b) => b - a).slice(0, k);
  return discountedGain(found.map((candidate) => relevance[candidate]!)) / discountedGain(ideal);
}

export interface VisdialRound {
  /** The rank of each candidate, from 1. */
  readonly ranks: readonly number[];
  /** The candidate that people gave, from 0. */
  readonly gtIndex: number;
  /** How relevant people found each candidate: one round of each dialog has it. */
  readonly relevance?: readonly number[];
}

export interface VisdialScores {
  /** Shares of the rounds whose right answer is among the first 1, 5, 10. */
  readonly recallAt1: number;
  readonly recallAt5: number;
  readonly recallAt10: number;
  readonly meanRank: number;
  readonly mrr: number;
  /** Mean over the rounds with relevances; NaN if there are none, or if one has no relevant candidate. */
  readonly ndcg: number;
  readonly numRounds: number;
  readonly numDense: number;
}

/** The scores over all rounds of all dialogs. */
export function visdialScores(rounds: readonly VisdialRound[]): VisdialScores {
  if (rounds.length === 0) throw new MetricError('visdial', 'expected rounds, got none');
  const gtRanks = rounds.map(({ranks, gtIndex}, i) => {
    orderByRank(ranks);
    const rank = ranks[gtIndex];
    if (rank === undefined)
      throw new MetricError(
        'visdial',
        `round ${i + 1} has ${ranks.length} candidates, and its right answer is number ${gtIndex}`,
      );
    return rank;
  });
  const recall = (k: number) => mean(gtRanks.map((rank) => (rank <= k ? 1 : 0)));
  const gains = rounds.flatMap(({ranks, relevance}) => (relevance ? [ndcg(ranks, relevance)] : []));
  return {
    recallAt1: recall(1),
    recallAt5: recall(5),
    recallAt10: recall(10),
    meanRank: mean(gtRanks),
    mrr: mean(gtRanks.map((rank) => 1 / rank)),
    ndcg: mean(gains),
    numRounds: rounds.length,
    numDense: gains.length,
  };
}
