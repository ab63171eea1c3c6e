// Draws RGBA drawings on a square ground, turned, scaled, stretched, recoloured: what single pictures,
// scenes and clips are made of. Plain typed arrays, channels first: [3, size, size].
import type {Picture} from '../../data/picture.js';
import {clipMean, clipStd} from '../../data/preprocess.js';
import {Random} from '../../random.js';
import type {Drawing} from './art.js';

export type Rgb = readonly [number, number, number];

/** Colours p -> M p + b, row-major 3x3 then the offsets. */
export type ColourMap = Float64Array;

/** Where a drawing lies and how it is turned; lengths in pixels of the canvas. */
export interface Placement {
  readonly centreX: number;
  readonly centreY: number;
  /** Length of the drawing's longer side. */
  readonly size: number;
  /** Radians. */
  readonly angle: number;
  /** Its width is multiplied by this, its height divided. */
  readonly stretch: number;
  readonly mirror: 1 | -1;
}

/** What a drawing is drawn with. */
export interface Ink {
  readonly colours: ColourMap;
  /** Whether a dark contour is drawn around it. */
  readonly outline: boolean;
}

/** Noise of the pixels: its standard deviation, of 255, and where in the table of noise it begins. */
export interface Grain {
  readonly deviation: number;
  readonly start: number;
}

// A picture's noise is a piece of one long table: drawing every value anew would take most of the time.
const NOISE_MASK = 0xffff;
export const NOISE_LENGTH = NOISE_MASK + 1;
const tableRandom = new Random(0);
const normals = Float32Array.from({length: NOISE_LENGTH}, () => tableRandom.normal());

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

/** The value of `make` for a drawing, made once. */
function remembered<T>(make: (drawing: Drawing) => T): (drawing: Drawing) => T {
  const made = new WeakMap<Drawing, T>();
  return (drawing) => {
    if (!made.has(drawing)) made.set(drawing, make(drawing));
    return made.get(drawing)!;
  };
}

const contour = remembered((drawing) => grownAlpha(drawing, 2));

/** The drawing at half its size; colours are means weighted by opacity. */
const halved = remembered((drawing: Drawing): Drawing => {
  const {rgba, size: source} = drawing;
  const size = source >> 1;
  const half = new Uint8Array(size * size * 4);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const sums = [0, 0, 0, 0];
      for (const corner of [0, 1, source, source + 1]) {
        const at = (2 * y * source + 2 * x + corner) * 4;
        const alpha = rgba[at + 3]!;
        for (let channel = 0; channel < 3; channel++) sums[channel]! += alpha * rgba[at + channel]!;
        sums[3]! += alpha;
      }
      const at = (y * size + x) * 4;
      const alpha = sums[3]!;
      for (let channel = 0; channel < 3 && alpha > 0; channel++)
        half[at + channel] = Math.round(sums[channel]! / alpha);
      half[at + 3] = Math.round(alpha / 4);
    }
  return {...drawing, size, rgba: half};
});

export class Canvas {
  /** 0 to 255, unclipped. */
  private readonly values: Float64Array;

  constructor(readonly size: number) {
    this.values = new Float64Array(3 * size * size);
  }

  /** The whole ground in one colour. */
  fill(colour: Rgb): void {
    const plane = this.size * this.size;
    for (let channel = 0; channel < 3; channel++)
      this.values.fill(colour[channel]!, channel * plane, (channel + 1) * plane);
  }

  /** A ground that goes from one colour to another along a direction, in radians. */
  fillGradient(from: Rgb, to: Rgb, angle: number): void {
    const {size} = this;
    const cos = Math.cos(angle);
    const sin = Math.sin(angle);
    const reach = (Math.abs(cos) + Math.abs(sin)) * size;
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) {
        const along = (cos * (x + 0.5 - size / 2) + sin * (y + 0.5 - size / 2)) / reach + 0.5;
        for (let channel = 0; channel < 3; channel++)
          this.values[(channel * size + y) * size + x] =
            from[channel]! + along * (to[channel]! - from[channel]!);
      }
  }

  /** Draws over what is there. Sampling is bilinear, from canvas to drawing by the inverse placement. */
  paint(original: Drawing, placement: Placement, {colours, outline}: Ink): void {
    const {centreX, centreY, stretch, mirror, angle} = placement;
    // Bilinear sampling skips pixels when it makes a drawing less than half as large.
    let drawing = original;
    while (drawing.size >= 2 * placement.size && drawing.size > 2) drawing = halved(drawing);
    const {rgba, size: source} = drawing;
    const edges = outline ? contour(drawing) : undefined;
    const perPixel = source / placement.size;
    const cos = Math.cos(angle) * perPixel;
    const sin = Math.sin(angle) * perPixel;
    const {size, values} = this;
    const plane = size * size;
    const [left, right, top, bottom] = this.covered(placement, source);
    for (let y = top; y < bottom; y++)
      for (let x = left; x < right; x++) {
        const dx = x + 0.5 - centreX;
        const dy = y + 0.5 - centreY;
        const u = ((cos * dx + sin * dy) / stretch) * mirror + source / 2 - 0.5;
        const v = (-sin * dx + cos * dy) * stretch + source / 2 - 0.5;
        const u0 = Math.floor(u);
        const v0 = Math.floor(v);
        if (u0 < -1 || v0 < -1 || u0 >= source || v0 >= source) continue;
        let red = 0;
        let green = 0;
        let blue = 0;
        let alpha = 0;
        let edge = 0;
        for (let corner = 0; corner < 4; corner++) {
          const su = u0 + (corner & 1);
          const sv = v0 + (corner >> 1);
          if (su < 0 || sv < 0 || su >= source || sv >= source) continue;
          const weight =
            (corner & 1 ? u - u0 : 1 - (u - u0)) * (corner >> 1 ? v - v0 : 1 - (v - v0));
          const at = sv * source + su;
          const opacity = (weight * rgba[at * 4 + 3]!) / 255;
          red += opacity * rgba[at * 4]!;
          green += opacity * rgba[at * 4 + 1]!;
          blue += opacity * rgba[at * 4 + 2]!;
          alpha += opacity;
          if (edges) edge += (weight * edges[at]!) / 255;
        }
        const under = 1 - Math.max(alpha, edge); // what shows of the ground; the contour is black
        for (let channel = 0; channel < 3; channel++) {
          const m = channel * 3;
          const inked =
            colours[m]! * red +
            colours[m + 1]! * green +
            colours[m + 2]! * blue +
            alpha * colours[9 + channel]!;
          const at = channel * plane + y * size + x;
          values[at] = inked + under * values[at]!;
        }
      }
  }

  /** Writes the model's input [3, size, size] into `out` from `offset` on, as (value / 255 - mean) / std. */
  normalize(out: Float32Array, offset: number, {deviation, start}: Grain): void {
    const {values} = this;
    const plane = this.size * this.size;
    for (let channel = 0; channel < 3; channel++) {
      const mean = clipMean[channel]!;
      const std = clipStd[channel]!;
      for (let i = channel * plane; i < (channel + 1) * plane; i++) {
        const grain = deviation * normals[(start + offset + i) & NOISE_MASK]!;
        const value = Math.min(255, Math.max(0, values[i]! + grain));
        out[offset + i] = (value / 255 - mean) / std;
      }
    }
  }

  /** What is drawn, as a decoded picture. */
  picture({deviation, start}: Grain): Picture {
    const plane = this.size * this.size;
    const data = new Uint8Array(3 * plane);
    for (let channel = 0; channel < 3; channel++)
      for (let i = 0; i < plane; i++) {
        const at = channel * plane + i;
        const value = this.values[at]! + deviation * normals[(start + at) & NOISE_MASK]!;
        data[3 * i + channel] = Math.min(255, Math.max(0, Math.round(value)));
      }
    return {width: this.size, height: this.size, data};
  }

  /** The pixels that a drawing can reach: from left to right, from top to bottom, ends excluded. */
  private covered(
    {centreX, centreY, size, angle, stretch}: Placement,
    source: number,
  ): [number, number, number, number] {
    const reach = size * (0.5 + 1 / source); // a drawing fades out over one of its own pixels
    const cos = Math.abs(Math.cos(angle));
    const sin = Math.abs(Math.sin(angle));
    const wide = reach * (cos * stretch + sin / stretch);
    const high = reach * (sin * stretch + cos / stretch);
    const inside = (value: number) => Math.min(this.size, Math.max(0, value));
    return [
      inside(Math.floor(centreX - wide)),
      inside(Math.ceil(centreX + wide)),
      inside(Math.floor(centreY - high)),
      inside(Math.ceil(centreY + high)),
    ];
  }
}

const canvases = new Map<number, Canvas>();

/** The one canvas of a size that pictures are composed on. */
export function canvasOf(size: number): Canvas {
  const canvas = canvases.get(size) ?? new Canvas(size);
  canvases.set(size, canvas);
  return canvas;
}
