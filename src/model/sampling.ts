// A token drawn from the model's distribution at every step (transformers 4.31, sample). Processors,
// then temperature, top-k, top-p, in this order. Each sequence draws from a random stream of its own.
import type {Decoder, GenerationEvent, GenerationOptions} from './generate.js';
import {makeLogitsProcessor, notNumbers} from './logitsProcessors.js';
import {nextTurn} from './nextTurn.js';
import {Random} from '../random.js';
import {TopK} from './topK.js';

/** Tokens that may be drawn, by rising id, and how likely each is. */
interface Candidates {
  readonly ids: readonly number[];
  /** Sums to 1. */
  readonly probabilities: readonly number[];
}

/** The events' tokens are those of the first sequence. */
export async function* sample(
  decoder: Decoder,
  options: GenerationOptions,
): AsyncGenerator<GenerationEvent> {
  const {maxNewTokens, numReturnSequences, eosId, bosId, seed, signal} = options;
  const {vocabSize} = decoder;
  const process = makeLogitsProcessor(options);
  const sequences = Array.from({length: numReturnSequences}, (_, stream) => ({
    ids: [bosId],
    random: new Random(seed, stream),
    row: 0, // of the logits
  }));
  let live = sequences;
  let logits = await nextTurn(signal, () => decoder.prefill());
  for (;;) {
    for (const sequence of live) {
      const start = sequence.row * vocabSize;
      const scores = logits.slice(start, start + vocabSize);
      process(scores, sequence.ids);
      sequence.ids.push(draw(warp(scores, options), sequence.random));
    }
    const [first] = sequences;
    if (first && live.includes(first)) yield {type: 'tokens', ids: first.ids.slice(-1)};
    live = live.filter(({ids}) => ids.at(-1) !== eosId && ids.length <= maxNewTokens);
    if (live.length === 0) break;
    const tokens = live.map(({ids}) => ids.at(-1)!);
    const parents = live.map(({row}) => row);
    logits = await nextTurn(signal, () => decoder.step(tokens, parents));
    for (const [row, sequence] of live.entries()) sequence.row = row;
  }
  yield {type: 'done', sequences: sequences.map(({ids}) => ({ids}))};
}

/** Temperature, top-k and top-p on scores [V], which are overwritten. */
export function warp(
  scores: Float32Array,
  options: Pick<GenerationOptions, 'temperature' | 'topK' | 'topP'>,
): Candidates {
  const temperature = Math.fround(options.temperature);
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) {
    scores[i] = scores[i]! / temperature;
    if (Number.isNaN(scores[i])) throw notNumbers();
    largest = Math.max(largest, scores[i]!);
  }
  if (!Number.isFinite(largest)) throw notNumbers();
  const threshold = options.topK > 0 ? kthLargest(scores, options.topK) : Number.NEGATIVE_INFINITY;
  let ids: number[] = [];
  let weights: number[] = [];
  let total = 0;
  for (let i = 0; i < scores.length; i++) {
    // Those that tie with the k-th stay, as in transformers.
    if (scores[i]! < threshold || scores[i] === Number.NEGATIVE_INFINITY) continue;
    const weight = Math.exp(scores[i]! - largest);
    ids.push(i);
    weights.push(weight);
    total += weight;
  }
  if (options.topP < 1) {
    const kept = nucleus(weights, total, options.topP);
    ids = ids.filter((_, i) => kept[i]);
    weights = weights.filter((_, i) => kept[i]);
    total = weights.reduce((sum, weight) => sum + weight, 0);
  }
  return {ids, probabilities: weights.map((weight) => weight / total)};
}

/**
 * Which weights belong to the smallest set of the largest that holds `topP` of the total: from the
 * smallest up, those are left out whose sum so far is at most 1 - topP. The largest always stays.
 */
function nucleus(weights: readonly number[], total: number, topP: number): boolean[] {
  const limit = (1 - topP) * total;
  // All weights below the mean of what may be left out are left out: only the others are sorted.
  const negligible = limit / weights.length;
  let sum = 0;
  const large: number[] = [];
  for (const [i, weight] of weights.entries())
    if (weight < negligible) sum += weight;
    else large.push(i);
  large.sort((a, b) => weights[a]! - weights[b]! || b - a);
  const kept = new Array<boolean>(weights.length).fill(false);
  for (const [place, i] of large.entries()) {
    sum += weights[i]!;
    kept[i] = sum > limit || place === large.length - 1;
  }
  return kept;
}

/** The k-th largest score, or the smallest when there are fewer. */
function kthLargest(scores: Float32Array, k: number): number {
  const top = new TopK(k);
  for (let i = 0; i < scores.length; i++) top.offer(scores[i]!, i);
  return top.scores.at(-1)!;
}

function draw({ids, probabilities}: Candidates, random: Random): number {
  let rest = random.uniform();
  for (const [i, probability] of probabilities.entries()) {
    rest -= probability;
    if (rest < 0) return ids[i]!;
  }
  return ids.at(-1)!; // the probabilities' rounding errors
}
