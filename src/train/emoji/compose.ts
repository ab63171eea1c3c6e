// Composes one training picture: a drawing, turned, scaled, recoloured, on some ground.
// Plain typed arrays: 64x64 pixels take a quarter of a millisecond.
import {Random} from '../../random.js';
import type {Drawing} from './art.js';

/** How far a picture may stray from the drawing; every field 0 gives it plain on white. */
export interface Augmentation {
  /** Share of pictures left plain. */
  readonly plain: number;
  /** Degrees, standard deviation. */
  readonly rotation: number;
  /** The drawing's longer side as a share of the canvas, smallest and largest. */
  readonly scale: readonly [number, number];
  /** Stretch along one axis, as a share. */
  readonly aspect: number;
  /** Share of pictures mirrored. */
  readonly flip: number;
  /** Strength of the shift of hue, saturation and brightness, 0 to 1. */
  readonly recolour: number;
  /** Share of pictures without colour. */
  readonly grey: number;
  /** Share of pictures with a drawn dark contour. */
  readonly outline: number;
  /** Share of pictures on a ground that is not white. */
  readonly ground: number;
  /** Standard deviation of the pixels' noise, of 255. */
  readonly noise: number;
}

const plain: Augmentation = {
  plain: 1,
  rotation: 0,
  scale: [0.9, 0.9],
  aspect: 0,
  flip: 0,
  recolour: 0,
  grey: 0,
  outline: 0,
  ground: 0,
  noise: 0,
};

type Rgb = [number, number, number];

/** Colours p -> M p + b, row-major 3x3 then the offsets. */
type ColourMap = Float64Array;

function colourMap(random: Random, {recolour, grey}: Augmentation): ColourMap {
  const hue = random.normal() * recolour * 0.6; // radians
  const isGrey = random.chance(grey);
  const saturation = isGrey ? 0 : Math.exp(random.normal() * recolour * 0.4);
  const contrast = Math.exp(random.normal() * recolour * 0.25);
  const offset = random.normal() * recolour * 30;
  // Turn about the grey axis by `hue`, stretch from it by `saturation`.
  const cos = saturation * Math.cos(hue);
  const sin = (saturation * Math.sin(hue)) / Math.sqrt(3);
  const map = new Float64Array(12);
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 3; column++) {
      const same = row === column ? 1 : 0;
      const turn = (column - row + 3) % 3 === 1 ? -sin : (row - column + 3) % 3 === 1 ? sin : 0;
      map[row * 3 + column] = contrast * (1 / 3 + cos * (same - 1 / 3) + turn);
    }
    map[9 + row] = offset + 128 * (1 - contrast);
  }
  return map;
}

function groundColour(random: Random): Rgb {
  const isPale = random.chance(0.6);
  const [low, high] = isPale ? [180, 256] : [0, 256];
  return [random.between(low, high), random.between(low, high), random.between(low, high)];
}

/** Alpha of the drawing grown by `radius` pixels: what a contour covers. */
function grownAlpha({rgba, size}: Drawing, radius: number): Uint8Array {
  const grown = new Uint8Array(size * size);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      let most = 0;
      for (let dy = -radius; dy <= radius; dy++)
        for (let dx = -radius; dx <= radius; dx++) {
          const inside = x + dx >= 0 && x + dx < size && y + dy >= 0 && y + dy < size;
          if (!inside || dx * dx + dy * dy > radius * radius + 1) continue;
          most = Math.max(most, rgba[((y + dy) * size + x + dx) * 4 + 3]!);
        }
      grown[y * size + x] = most;
    }
  return grown;
}

const contours = new WeakMap<Drawing, Uint8Array>();

function contour(drawing: Drawing): Uint8Array {
  let alpha = contours.get(drawing);
  if (!alpha) {
    alpha = grownAlpha(drawing, 2);
    contours.set(drawing, alpha);
  }
  return alpha;
}

// A picture's noise is a piece of one long table: drawing every value anew would take most of the time.
const NOISE_MASK = 0xffff;
const tableRandom = new Random(0);
const normals = Float32Array.from({length: NOISE_MASK + 1}, () => tableRandom.normal());

/**
 * Draws into `out` [3, size, size] from `offset` on, as (value / 255 - mean) / std.
 * Sampling is bilinear, from the drawing to the canvas by the inverse of its placement.
 */
export function compose(
  drawing: Drawing,
  augmentation: Augmentation,
  random: Random,
  canvas: {
    readonly size: number;
    readonly mean: readonly number[];
    readonly std: readonly number[];
  },
  out: Float32Array,
  offset: number,
): void {
  const a = random.chance(augmentation.plain) ? plain : augmentation;
  const {size, mean, std} = canvas;
  const angle = (random.normal() * a.rotation * Math.PI) / 180;
  const scale = random.between(a.scale[0], a.scale[1]) * size;
  const stretch = Math.exp(random.normal() * a.aspect * 0.5);
  const mirror = random.chance(a.flip) ? -1 : 1;
  const freedom = Math.max(0, size - scale) / 2;
  const centreX = size / 2 + random.between(-freedom, freedom);
  const centreY = size / 2 + random.between(-freedom, freedom);
  const colours = colourMap(random, a);
  const outline = random.chance(a.outline) ? contour(drawing) : undefined;
  const ground: Rgb = random.chance(a.ground) ? groundColour(random) : [255, 255, 255];

  const noiseStart = random.below(normals.length);

  const {rgba, size: source} = drawing;
  const perPixel = source / scale;
  const cos = Math.cos(angle) * perPixel;
  const sin = Math.sin(angle) * perPixel;
  const plane = size * size;
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const dx = x + 0.5 - centreX;
      const dy = y + 0.5 - centreY;
      const u = ((cos * dx + sin * dy) / stretch) * mirror + source / 2 - 0.5;
      const v = (-sin * dx + cos * dy) * stretch + source / 2 - 0.5;
      const u0 = Math.floor(u);
      const v0 = Math.floor(v);
      let red = 0;
      let green = 0;
      let blue = 0;
      let alpha = 0;
      let edge = 0;
      for (let corner = 0; corner < 4; corner++) {
        const su = u0 + (corner & 1);
        const sv = v0 + (corner >> 1);
        if (su < 0 || sv < 0 || su >= source || sv >= source) continue;
        const weight = (corner & 1 ? u - u0 : 1 - (u - u0)) * (corner >> 1 ? v - v0 : 1 - (v - v0));
        const at = sv * source + su;
        const opacity = (weight * rgba[at * 4 + 3]!) / 255;
        red += opacity * rgba[at * 4]!;
        green += opacity * rgba[at * 4 + 1]!;
        blue += opacity * rgba[at * 4 + 2]!;
        alpha += opacity;
        if (outline) edge += (weight * outline[at]!) / 255;
      }
      const position = offset + y * size + x;
      const under = 1 - Math.max(alpha, edge); // what shows of the ground; the contour is black
      for (let channel = 0; channel < 3; channel++) {
        const m = channel * 3;
        const inked =
          colours[m]! * red +
          colours[m + 1]! * green +
          colours[m + 2]! * blue +
          alpha * colours[9 + channel]!;
        const grain = a.noise * normals[(noiseStart + position + channel * plane) & NOISE_MASK]!;
        const value = Math.min(255, Math.max(0, inked + under * ground[channel]! + grain));
        out[position + channel * plane] = (value / 255 - mean[channel]!) / std[channel]!;
      }
    }
}
