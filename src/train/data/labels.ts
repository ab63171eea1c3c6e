// What is learned of a row: which tokens as text, which positions as pictures. The label of a position is its
// own id; the loss shifts by one.
import type {SpecialIds} from '../../text/tokenizer.js';

/** No label. */
export const IGNORE = -100;

/** The ids themselves, -100 at [PAD], <image>, [IMG] and [/IMG] (official modeling_emu.py). */
export function textLabels(ids: readonly number[], special: SpecialIds): number[] {
  const {pad, img, endImg, image} = special;
  const ignored = new Set([pad, img, endImg, image]);
  return ids.map((id) => (ignored.has(id) ? IGNORE : id));
}

/**
 * Instruction tuning: what the assistant says, from after `[ASSISTANT]` and its colon (one token) up to
 * and including `</s>`, in every turn. `special` has to know [ASSISTANT].
 */
export function answerLabels(ids: readonly number[], special: SpecialIds): number[] {
  const {assistant, eos} = special;
  let isAnswer = false;
  return ids.map((id, i) => {
    if (id === assistant) {
      isAnswer = true;
      return IGNORE;
    }
    if (!isAnswer || ids[i - 1] === assistant) return IGNORE;
    if (id === eos) isAnswer = false;
    return id;
  });
}

/** The ids that are structure, not text. */
export interface StructureIds {
  readonly pad: number;
  readonly img: number;
  readonly endImg: number;
  readonly image: number;
}

/**
 * Flat positions (b·T + t) of the regression's pairs, in row-major order: the hidden state at [IMG]
 * and at each <image> predicts the input embedding of the position after it (<image> or [/IMG]).
 */
export function regressionPairs(
  ids: readonly (readonly number[])[],
  {img, image, endImg}: StructureIds,
): {from: number[]; to: number[]} {
  const flat = ids.flat();
  const positions = (wanted: readonly number[]) =>
    flat.flatMap((id, i) => (wanted.includes(id) ? [i] : []));
  return {from: positions([img, image]), to: positions([image, endImg])};
}

/** Labels that are not -100, of all rows but their first position: what the cross-entropy averages over. */
export function countLabels(labels: readonly (readonly number[])[]): number {
  return labels.reduce(
    (sum, row) => sum + row.reduce((n, label, t) => n + (t > 0 && label !== IGNORE ? 1 : 0), 0),
    0,
  );
}

/** How many predictions a batch asks for: what its losses are averages over. */
export interface Counts {
  readonly text: number;
  readonly regression: number;
}

/** Counts of rows of ids and their labels. */
export function countPredictions(
  {
    ids,
    labels,
  }: {
    readonly ids: readonly (readonly number[])[];
    readonly labels: readonly (readonly number[])[];
  },
  structure: StructureIds,
): Counts {
  return {text: countLabels(labels), regression: regressionPairs(ids, structure).from.length};
}
