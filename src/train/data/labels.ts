// Which tokens are learned as text. The label of a position is its own id; the loss shifts by one.
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
