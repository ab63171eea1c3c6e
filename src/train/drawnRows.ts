// Which picture of a batch's row the image decoder learns to draw, and from what.
import type {SpecialIds} from '../text/tokenizer.js';
import type {Batch} from './data/batch.js';

export interface DrawnRow {
  /** From BOS to [IMG]: what the language model draws after. */
  readonly prompt: readonly number[];
  /** Pictures in the prompt, by their number in the batch. */
  readonly seen: readonly number[];
  /** The picture that is drawn. */
  readonly drawn: number;
}

/**
 * A row's last picture is drawn, from what stands before it; where it comes first, from the text after it,
 * so that captions on either side teach the same. Every row has a picture.
 */
export function drawnRows(
  {ids, lengths}: Pick<Batch, 'ids' | 'lengths'>,
  {bos, eos, img, image}: SpecialIds,
  numImageTokens: number,
): DrawnRow[] {
  let count = 0;
  return ids.map((row, b) => {
    // Of each picture, the place of its [IMG]. The words "[IMG]ImageContent[/IMG]" are none.
    const starts = row.flatMap((id, t) => (id === img && row[t + 1] === image ? [t] : []));
    const start = starts.at(-1)!;
    const before = row.slice(0, start);
    const after = row.slice(start + numImageTokens + 2, lengths[b]).filter((id) => id !== eos);
    const isFirst = before.every((id) => id === bos);
    const first = count;
    count += starts.length;
    return {
      prompt: [...before, ...(isFirst ? after : []), img],
      seen: starts.slice(0, -1).map((_, i) => first + i),
      drawn: count - 1,
    };
  });
}
