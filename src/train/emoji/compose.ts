// Composes one training picture: a drawing, turned, scaled, recoloured, on some ground.
import type {Picture} from '../../data/picture.js';
import type {Random} from '../../random.js';
import type {Drawing} from './art.js';
import {
  type Canvas,
  canvasOf,
  type ColourMap,
  type Grain,
  type Ink,
  NOISE_LENGTH,
  type Rgb,
} from './canvas.js';

/** How far a picture may stray from the drawing; every field 0 gives it plain on white. */
export interface Augmentation {
  /** Share of pictures left plain. */
  readonly plain: number;
  /** Degrees, standard deviation. */
  readonly rotation: number;
  /** The drawing's longer side as a share of the canvas, or of its place in a scene: smallest and largest. */
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

/** The drawing as it is, on white. */
export const plain: Augmentation = {
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

/** How a drawing is turned; `scale` is a share. */
export interface Pose {
  /** Radians. */
  readonly angle: number;
  readonly scale: number;
  readonly stretch: number;
  readonly mirror: 1 | -1;
}

export function drawPose(a: Augmentation, random: Random): Pose {
  const angle = (random.normal() * a.rotation * Math.PI) / 180;
  const scale = random.between(a.scale[0], a.scale[1]);
  const stretch = Math.exp(random.normal() * a.aspect * 0.5);
  const mirror = random.chance(a.flip) ? -1 : 1;
  return {angle, scale, stretch, mirror};
}

export function drawInk(a: Augmentation, random: Random): Ink {
  const colours = colourMap(random, a);
  return {colours, outline: random.chance(a.outline)};
}

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

/** Draws into `out` [3, size, size] from `offset` on, as the model reads it. */
export function compose(
  drawing: Drawing,
  augmentation: Augmentation,
  random: Random,
  size: number,
  out: Float32Array,
  offset: number,
): void {
  const {canvas, grain} = composed(drawing, augmentation, random, size);
  canvas.normalize(out, offset, grain);
}

/** The same as a decoded picture, `size` pixels square. */
export function composePicture(
  drawing: Drawing,
  augmentation: Augmentation,
  random: Random,
  size: number,
): Picture {
  const {canvas, grain} = composed(drawing, augmentation, random, size);
  return canvas.picture(grain);
}

function composed(
  drawing: Drawing,
  augmentation: Augmentation,
  random: Random,
  size: number,
): {canvas: Canvas; grain: Grain} {
  const a = random.chance(augmentation.plain) ? plain : augmentation;
  const pose = drawPose(a, random);
  const longer = pose.scale * size;
  const freedom = Math.max(0, size - longer) / 2;
  const centreX = size / 2 + random.between(-freedom, freedom);
  const centreY = size / 2 + random.between(-freedom, freedom);
  const ink = drawInk(a, random);
  const ground: Rgb = random.chance(a.ground) ? groundColour(random) : [255, 255, 255];
  const start = random.below(NOISE_LENGTH);

  const canvas = canvasOf(size);
  canvas.fill(ground);
  canvas.paint(drawing, {...pose, centreX, centreY, size: longer}, ink);
  return {canvas, grain: {deviation: a.noise, start}};
}
