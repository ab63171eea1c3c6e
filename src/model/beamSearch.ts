// Beam search as transformers 4.31 does it (generation/utils.py beam_search, generation/beam_search.py
// BeamSearchScorer with early_stopping False). V vocabulary; a score is a sum of log probabilities.
import type {Decoder, GeneratedSequence, GenerationEvent, GenerationOptions} from './generate.js';
import {logSoftmax, makeLogitsProcessor} from './logitsProcessors.js';
import {nextTurn} from './nextTurn.js';
import {TopK} from './topK.js';

/** A sequence that goes on: BOS and new ids, and their score in float32. */
interface Beam {
  readonly ids: readonly number[];
  readonly score: number;
}

/** The events' tokens are those that every sequence which may still win begins with. */
export async function* beamSearch(
  decoder: Decoder,
  options: GenerationOptions,
): AsyncGenerator<GenerationEvent> {
  const {numBeams, numReturnSequences, bosId, eosId, signal} = options;
  const {vocabSize} = decoder;
  const maxLength = options.maxNewTokens + 1; // BOS counts
  const process = makeLogitsProcessor(options);
  const scores = new Float32Array(vocabSize);
  const finished = new FinishedBeams(numBeams, options.lengthPenalty, maxLength);
  let emitted = 1; // BOS is no news

  // All beams start alike: only the first may be chosen from, or all would go the same way.
  let beams: Beam[] = Array.from({length: numBeams}, (_, i) => ({
    ids: [bosId],
    score: i === 0 ? 0 : -1e9,
  }));
  let logits = await nextTurn(signal, () => decoder.prefill());
  for (;;) {
    const isFirst = beams[0]!.ids.length === 1;
    // Two candidates a beam, so that enough are left when some are ends.
    const top = new TopK(2 * numBeams);
    for (const [i, beam] of beams.entries()) {
      const row = isFirst ? 0 : i;
      logSoftmax(logits.subarray(row * vocabSize, (row + 1) * vocabSize), scores);
      process(scores, beam.ids);
      for (let id = 0; id < vocabSize; id++)
        top.offer(Math.fround(scores[id]! + beam.score), i * vocabSize + id);
    }

    const next: Beam[] = [];
    const parents: number[] = [];
    for (const [rank, index] of top.indices.entries()) {
      const parent = Math.floor(index / vocabSize);
      const id = index % vocabSize;
      const score = top.scores[rank]!;
      if (id === eosId) {
        // An end that is not among the best `numBeams` candidates is dropped.
        if (rank < numBeams) finished.add({ids: beams[parent]!.ids, score});
        continue;
      }
      next.push({ids: [...beams[parent]!.ids, id], score});
      parents.push(isFirst ? 0 : parent);
      if (next.length === numBeams) break;
    }
    beams = next;

    const length = beams[0]!.ids.length;
    if (finished.isDone(top.scores[0]!, length)) break;
    if (length >= maxLength) {
      for (const beam of beams) finished.add(beam);
      break;
    }
    const hopeful = beams.filter((beam) => finished.canStillEnter(beam, numReturnSequences));
    if (hopeful.length === 0) break;

    const contenders = beams.filter((beam) => finished.canStillEnter(beam, 1)).map(({ids}) => ids);
    const [leader] = finished.best(1);
    if (leader) contenders.push(withEnd(leader.ids, eosId, maxLength));
    const shared = sharedLength(contenders, emitted);
    if (shared > emitted) yield {type: 'tokens', ids: contenders[0]!.slice(emitted, shared)};
    emitted = shared;

    const tokens = beams.map(({ids}) => ids.at(-1)!);
    logits = await nextTurn(signal, () => decoder.step(tokens, parents));
  }

  const sequences = finished.best(numReturnSequences).map(
    ({ids, score}): GeneratedSequence => ({
      ids: withEnd(ids, eosId, maxLength),
      score: Math.fround(score),
    }),
  );
  const rest = sequences[0]!.ids.slice(emitted);
  if (rest.length > 0) yield {type: 'tokens', ids: rest};
  yield {type: 'done', sequences};
}

/** A sequence as it is returned: the end is written where there is room for it. */
function withEnd(ids: readonly number[], eosId: number, maxLength: number): number[] {
  return ids.length < maxLength ? [...ids, eosId] : [...ids];
}

/** How many ids all sequences have in common; they are known to share the first `from`. */
function sharedLength(sequences: readonly (readonly number[])[], from: number): number {
  const [first, ...others] = sequences;
  let length = from;
  while (length < first!.length && others.every((ids) => ids[length] === first![length])) length++;
  return length;
}

/** The best `numBeams` sequences that have ended (transformers' BeamHypotheses), without their end. */
class FinishedBeams {
  /** In the order of coming; scores are divided by length ** lengthPenalty. */
  private readonly kept: Beam[] = [];
  private worst = 1e9;

  constructor(
    private readonly numBeams: number,
    private readonly lengthPenalty: number,
    private readonly maxLength: number,
  ) {}

  add(beam: Beam): void {
    const score = this.penalized(beam.score, beam.ids.length);
    if (this.kept.length >= this.numBeams && !(score > this.worst)) return;
    this.kept.push({ids: beam.ids, score});
    if (this.kept.length <= this.numBeams) {
      this.worst = Math.min(score, this.worst);
      return;
    }
    const ascending = this.kept
      .map((_, i) => i)
      .sort((a, b) => this.kept[a]!.score - this.kept[b]!.score);
    this.worst = this.kept[ascending[1]!]!.score;
    this.kept.splice(ascending[0]!, 1);
  }

  /** Whether `numBeams` have ended and none of the others, by the best score of this step, is better. */
  isDone(bestScore: number, length: number): boolean {
    if (this.kept.length < this.numBeams) return false;
    return this.worst >= this.penalized(bestScore, length);
  }

  /** The best `count`, best first; of equal ones the later. */
  best(count: number): Beam[] {
    return [...this.kept]
      .sort((a, b) => a.score - b.score)
      .reverse()
      .slice(0, count);
  }

  /**
   * Whether a live beam may still end among the best `count`. Log probabilities are never positive, so
   * a beam's score only falls; the length that is kindest to it is the longest or the present one.
   * Stopping when none may is our own: the result is the same as going on.
   */
  canStillEnter(beam: Beam, count: number): boolean {
    const best = this.best(count);
    if (best.length < count) return true;
    const kindest = this.lengthPenalty > 0 ? this.maxLength : beam.ids.length;
    return this.penalized(beam.score, kindest) >= best[count - 1]!.score;
  }

  private penalized(score: number, length: number): number {
    return score / length ** this.lengthPenalty;
  }
}
