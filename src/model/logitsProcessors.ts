// What is done to a row of scores before a token is chosen from it: transformers 4.31's
// generation/logits_process.py. V vocabulary; ids are BOS and the new tokens, never the prompt.

export interface ProcessorOptions {
  /** Ids (BOS counted) before the end may come. */
  readonly minLength: number;
  /** 1: none. Above 1 makes ids that are already there less likely. */
  readonly repetitionPenalty: number;
  /** 0: none. No run of this many ids comes twice. */
  readonly noRepeatNgramSize: number;
  readonly eosId: number;
  /** Which ids may follow the new ids so far; none: the end alone. */
  readonly allowed?: (newIds: readonly number[]) => readonly number[];
}

/** Changes the scores [V] of what may follow `ids`, in place. */
export type LogitsProcessor = (scores: Float32Array, ids: readonly number[]) => void;

/** Repetition penalty, repeated n-grams, the smallest length, then the allowed ids: the official order. */
export function makeLogitsProcessor(options: ProcessorOptions): LogitsProcessor {
  const {minLength, repetitionPenalty, noRepeatNgramSize, eosId, allowed} = options;
  const penalty = Math.fround(repetitionPenalty);
  return (scores, ids) => {
    if (penalty !== 1)
      for (const id of new Set(ids)) {
        const score = scores[id]!;
        scores[id] = score < 0 ? score * penalty : score / penalty;
      }
    if (noRepeatNgramSize > 0)
      for (const id of repeatingIds(ids, noRepeatNgramSize)) scores[id] = Number.NEGATIVE_INFINITY;
    if (ids.length < minLength) scores[eosId] = Number.NEGATIVE_INFINITY;
    if (allowed) keepOnly(scores, allowed(ids.slice(1)), eosId);
  };
}

function keepOnly(scores: Float32Array, allowed: readonly number[], eosId: number): void {
  const kept = (allowed.length > 0 ? allowed : [eosId]).map((id) => [id, scores[id]!] as const);
  scores.fill(Number.NEGATIVE_INFINITY);
  for (const [id, score] of kept) scores[id] = score;
}

/** Ids that would complete a run of `size` ids that `ids` already holds. */
function repeatingIds(ids: readonly number[], size: number): number[] {
  const start = ids.length - (size - 1); // of the run's first size - 1 ids
  const found: number[] = [];
  for (let at = 0; at + size <= ids.length; at++) {
    let matches = true;
    for (let i = 0; i < size - 1 && matches; i++) matches = ids[at + i] === ids[start + i];
    if (matches) found.push(ids[at + size - 1]!);
  }
  return found;
}

/**
 * log(softmax(logits)) of a row [V] into `out`: summed in double, rounded to float32 as torch does.
 * Throws when the logits hold NaN or +Infinity: no choice would mean anything.
 */
export function logSoftmax(logits: Float32Array, out: Float32Array): void {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) if (logits[i]! > largest) largest = logits[i]!;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - largest);
  if (!Number.isFinite(sum)) throw notNumbers();
  const logSum = Math.fround(Math.log(sum));
  for (let i = 0; i < logits.length; i++) out[i] = Math.fround(logits[i]! - largest) - logSum;
}

export function notNumbers(): Error {
  return new Error(
    "generate: the model's scores are not all numbers; its weights may be damaged or of another kind",
  );
}
