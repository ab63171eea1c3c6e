// Pictures as short vectors of their pixels, and the nearest of many: what can be had without learning.
import {drawnBox} from '../../../data/drawnBox.js';
import type {Picture} from '../../../data/picture.js';
import type {Drawing} from '../../../train/emoji/art.js';

/** How far from white a pixel of a drawing is at least, of 255. */
const INK = 24;

/** The means of a grid of `side` by `side` fields over a part of a picture: [side, side, 3]. */
function means(
  {width, data}: Picture,
  side: number,
  left: number,
  top: number,
  across: number,
  down: number,
): Float32Array {
  const out = new Float32Array(3 * side * side);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      const [x0, y0] = [left + (column * across) / side, top + (row * down) / side].map(Math.floor);
      const x1 = Math.max(x0! + 1, Math.floor(left + ((column + 1) * across) / side));
      const y1 = Math.max(y0! + 1, Math.floor(top + ((row + 1) * down) / side));
      const at = 3 * (row * side + column);
      for (let y = y0!; y < y1; y++)
        for (let x = x0!; x < x1; x++)
          for (let channel = 0; channel < 3; channel++)
            out[at + channel]! += data[3 * (y * width + x) + channel]!;
      const area = (x1 - x0!) * (y1 - y0!);
      for (let channel = 0; channel < 3; channel++) out[at + channel]! /= area;
    }
  return out;
}

/** All of these pictures, made `side` pixels small: [pictures, side, side, 3]. */
export function thumbnails(pictures: readonly Picture[], side: number): Float32Array {
  const all = new Float32Array(pictures.length * 3 * side * side);
  for (const [i, picture] of pictures.entries()) {
    const {width, height} = picture;
    all.set(means(picture, side, 0, 0, width, height), i * 3 * side * side);
  }
  return all;
}

/**
 * What stands out from a white ground, in the middle of a square `side` pixels small, less its mean and of
 * unit length: the nearest by distance is the one that correlates most.
 */
export function cropped(picture: Picture, side: number): Float32Array {
  const box = drawnBox(picture, INK);
  if (!box) return new Float32Array(3 * side * side); // all white: like nothing
  const {left, top, width: across, height: down} = box;
  const {width, data} = picture;
  const longer = Math.max(across, down);
  const square = new Uint8Array(3 * longer * longer).fill(255);
  const [padX, padY] = [(longer - across) >> 1, (longer - down) >> 1];
  for (let y = 0; y < down; y++) {
    const from = 3 * ((top + y) * width + left);
    square.set(data.subarray(from, from + 3 * across), 3 * ((padY + y) * longer + padX));
  }
  const all = {width: longer, height: longer, data: square};
  return centred(means(all, side, 0, 0, longer, longer));
}

function centred(values: Float32Array): Float32Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const length = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0)) || 1;
  return values.map((value) => (value - mean) / length);
}

/** A drawing on white. */
export function drawnOnWhite({size, rgba}: Drawing): Picture {
  const data = new Uint8Array(3 * size * size);
  for (let i = 0; i < size * size; i++)
    for (let channel = 0; channel < 3; channel++) {
      const alpha = rgba[4 * i + 3]! / 255;
      data[3 * i + channel] = Math.round(alpha * rgba[4 * i + channel]! + 255 * (1 - alpha));
    }
  return {width: size, height: size, data};
}

/** The index of the nearest of `known`, by distance; the first of equally near ones. */
export function nearestOf(vector: Float32Array, known: readonly Float32Array[]): number {
  let [best, least] = [-1, Number.POSITIVE_INFINITY];
  for (const [i, other] of known.entries()) {
    let sum = 0;
    for (let j = 0; j < vector.length && sum < least; j++) sum += (vector[j]! - other[j]!) ** 2;
    if (sum < least) [best, least] = [i, sum];
  }
  return best;
}
