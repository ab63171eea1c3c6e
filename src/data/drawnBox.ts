// Where the drawing is on a white ground.
import type {Picture} from './picture.js';

export interface DrawnBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The smallest box around all pixels that are at least `ink` of 255 from white; undefined: there is none. */
export function drawnBox({width, height, data}: Picture, ink: number): DrawnBox | undefined {
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = 3 * (y * width + x);
      if (Math.min(data[at]!, data[at + 1]!, data[at + 2]!) > 255 - ink) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  if (right < left) return undefined;
  return {left, top, width: right - left + 1, height: bottom - top + 1};
}
