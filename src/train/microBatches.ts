// A batch in parts of a few rows each, so that one part's activations fit into memory.
import type {EmuConfig} from '../model/emu.js';
import type {Documents} from './objective.js';

/** A batch of documents and the pictures in them, in the order of their placeholders. */
export interface PicturedDocuments extends Documents {
  /** [I, 3, size, size] of I pictures. */
  readonly pixels: Float32Array;
}

/** How many pictures rows of ids hold. */
export function countPictures(
  ids: readonly (readonly number[])[],
  imageId: number,
  {causalFormer}: EmuConfig,
): number {
  const tokens = ids.reduce((sum, row) => sum + row.filter((id) => id === imageId).length, 0);
  return tokens / causalFormer.numTokens;
}

/** Parts of `rows` rows, each as long as its longest row, with their own pictures. */
export function splitRows(
  {ids, labels, lengths, pixels, packed}: PicturedDocuments,
  rows: number,
  imageId: number,
  config: EmuConfig,
): PicturedDocuments[] {
  const parts: PicturedDocuments[] = [];
  const pixelsPerPicture = 3 * config.vision.imageSize ** 2;
  let picture = 0;
  for (let row = 0; row < ids.length; row += rows) {
    const end = Math.min(row + rows, ids.length);
    const longest = Math.max(...lengths.slice(row, end));
    const cut = (all: readonly (readonly number[])[]) =>
      all.slice(row, end).map((values) => values.slice(0, longest));
    const pictures = countPictures(ids.slice(row, end), imageId, config);
    parts.push({
      ids: cut(ids),
      labels: cut(labels),
      lengths: lengths.slice(row, end),
      ...(packed && {packed: {positions: cut(packed.positions)}}),
      pixels: pixels.subarray(picture * pixelsPerPicture, (picture + pictures) * pixelsPerPicture),
    });
    picture += pictures;
  }
  return parts;
}
