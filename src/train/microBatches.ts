// A batch in parts of a few rows each, so that one part's activations fit into memory.
import type {Documents} from './objective.js';

/** A batch of documents and the pictures in them, in the order of their placeholders. */
export interface PicturedDocuments extends Documents {
  /** [I, 3, size, size] of I pictures. */
  readonly pixels: Float32Array;
}

/**
 * Parts of `rows` rows, each as long as its longest row. `picturesOf` tells how many pictures a row of
 * ids holds; a picture is `pixelsPerPicture` numbers.
 */
export function splitRows(
  {ids, labels, lengths, pixels}: PicturedDocuments,
  rows: number,
  picturesOf: (row: readonly number[]) => number,
  pixelsPerPicture: number,
): PicturedDocuments[] {
  const parts: PicturedDocuments[] = [];
  let picture = 0;
  for (let row = 0; row < ids.length; row += rows) {
    const end = Math.min(row + rows, ids.length);
    const longest = Math.max(...lengths.slice(row, end));
    const cut = (all: readonly (readonly number[])[]) =>
      all.slice(row, end).map((values) => values.slice(0, longest));
    const pictures = ids.slice(row, end).reduce((sum, values) => sum + picturesOf(values), 0);
    parts.push({
      ids: cut(ids),
      labels: cut(labels),
      lengths: lengths.slice(row, end),
      pixels: pixels.subarray(picture * pixelsPerPicture, (picture + pictures) * pixelsPerPicture),
    });
    picture += pictures;
  }
  return parts;
}
