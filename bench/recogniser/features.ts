// What a drawing on white looks like, in numbers made by hand: histograms of oriented gradients (Dalal and
// Triggs, CVPR 2005) of its lightness, and its colours on a coarse grid. No part of a model of ours.
import sharp from 'sharp';
import {drawnBox} from '../../src/data/drawnBox.js';
import type {Picture} from '../../src/data/picture.js';

/** Side of the cropped drawing in pixels. */
export const SIDE = 64;
const CELL = 8;
const CELLS = SIDE / CELL;
const BINS = 9;
/** How far from white a pixel of the drawing is at least, of 255. */
const INK = 40;

/** What is drawn, cut out of its white ground and scaled until its longer side is 64: RGB [64, 64, 3], 0 to 255. */
export async function cropToDrawing(picture: Picture): Promise<Uint8Array> {
  const {data, width, height} = picture;
  const box = drawnBox(picture, INK) ?? {left: 0, top: 0, width, height};
  const cropped = await sharp(data, {raw: {width, height, channels: 3}})
    .extract(box)
    .resize(SIDE, SIDE, {fit: 'contain', background: '#fff'})
    .raw()
    .toBuffer();
  return new Uint8Array(cropped);
}

/** The same, left and right exchanged. */
export function mirrored(pixels: Uint8Array): Uint8Array {
  const out = new Uint8Array(pixels.length);
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      const [from, to] = [3 * (y * SIDE + x), 3 * (y * SIDE + SIDE - 1 - x)];
      out.set(pixels.subarray(from, from + 3), to);
    }
  return out;
}

/** CIE L*a*b* of sRGB under D65, each about 0 to 1 in size. */
function lab(red: number, green: number, blue: number): [number, number, number] {
  const [r, g, b] = [red, green, blue].map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const [x, y, z] = [
    (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
    0.2126 * r + 0.7152 * g + 0.0722 * b,
    (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
  ].map((value) => (value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116)) as [
    number,
    number,
    number,
  ];
  return [(116 * y - 16) / 100, 5 * (x - y), 2 * (y - z)];
}

/** Of a cropped drawing: unit-length gradients and colours, one after the other. */
export function features(pixels: Uint8Array): Float64Array {
  const lightness = new Float64Array(SIDE * SIDE);
  const colours = new Float64Array(CELLS * CELLS * 3);
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      const at = y * SIDE + x;
      const [l, a, b] = lab(pixels[3 * at]!, pixels[3 * at + 1]!, pixels[3 * at + 2]!);
      lightness[at] = l;
      const cell = 3 * (Math.floor(y / CELL) * CELLS + Math.floor(x / CELL));
      colours[cell]! += (l - 1) / CELL ** 2; // white is 0
      colours[cell + 1]! += a / CELL ** 2;
      colours[cell + 2]! += b / CELL ** 2;
    }
  const shape = gradientHistograms(lightness);
  const out = new Float64Array(shape.length + colours.length);
  out.set(unit(shape));
  out.set(unit(colours), shape.length);
  return out;
}

function unit(values: Float64Array): Float64Array {
  const length = Math.hypot(...values) || 1;
  return values.map((value) => value / length);
}

/** Blocks of 2 x 2 cells, each with 9 orientations, clipped and normalized (L2-Hys). */
function gradientHistograms(lightness: Float64Array): Float64Array {
  const cells = new Float64Array(CELLS * CELLS * BINS);
  const value = (y: number, x: number) =>
    lightness[Math.min(SIDE - 1, Math.max(0, y)) * SIDE + Math.min(SIDE - 1, Math.max(0, x))]!;
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      const [dx, dy] = [value(y, x + 1) - value(y, x - 1), value(y + 1, x) - value(y - 1, x)];
      const angle = ((Math.atan2(dy, dx) + Math.PI) / Math.PI) * BINS; // two turns of the bins
      const bin = Math.floor(angle);
      const cell = BINS * (Math.floor(y / CELL) * CELLS + Math.floor(x / CELL));
      const size = Math.hypot(dx, dy);
      cells[cell + (bin % BINS)]! += size * (1 - (angle - bin));
      cells[cell + ((bin + 1) % BINS)]! += size * (angle - bin);
    }
  const blocks: Float64Array[] = [];
  for (let row = 0; row + 1 < CELLS; row++)
    for (let column = 0; column + 1 < CELLS; column++) {
      const corners = [0, 1, CELLS, CELLS + 1].map((step) => row * CELLS + column + step);
      const block = corners.flatMap((cell) => [...cells.subarray(BINS * cell, BINS * (cell + 1))]);
      const length = Math.hypot(...block, 0.1);
      blocks.push(unit(Float64Array.from(block, (share) => Math.min(0.2, share / length))));
    }
  const out = new Float64Array(blocks.length * 4 * BINS);
  for (const [i, block] of blocks.entries()) out.set(block, i * 4 * BINS);
  return out;
}
