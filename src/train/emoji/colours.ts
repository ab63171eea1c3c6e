// Colours with a name: grounds of scenes, and what drawings are painted in to be asked their colour.
// A drawing's own colours are never asked: the noun alone tells them three times out of four.
import type {Random} from '../../random.js';
import type {ColourMap, Rgb} from './canvas.js';

const prototypes = {
  white: [250, 250, 250],
  black: [15, 15, 15],
  grey: [128, 128, 128],
  red: [215, 40, 40],
  orange: [245, 140, 20],
  yellow: [250, 220, 40],
  green: [40, 160, 60],
  blue: [40, 90, 210],
  purple: [130, 50, 170],
  pink: [250, 150, 190],
  brown: [120, 75, 40],
} as const satisfies Record<string, Rgb>;

export type ColourName = keyof typeof prototypes;

export const colourNames = Object.keys(prototypes) as ColourName[];

/** The colours that stay apart from their neighbours when a drawing's shading shows through them. */
export const tintNames = [
  'white',
  'black',
  'red',
  'orange',
  'yellow',
  'green',
  'blue',
  'purple',
] as const satisfies readonly ColourName[];

export type TintName = (typeof tintNames)[number];

const distance = (a: Rgb, b: Rgb) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

export function nearestColour(rgb: Rgb): ColourName {
  const far = (name: ColourName) => distance(rgb, prototypes[name]);
  return colourNames.reduce((best, name) => (far(name) < far(best) ? name : best));
}

/** How far apart the brightest and the darkest shade of a colour are, as factors. */
const BRIGHTNESS = [0.8, 1.2] as const;
/** Furthest change of each channel. */
const JITTER = 15;

/** A shade is nearer to its own prototype than to any other by this factor at least. */
const CLEARLY = 0.7;

/** A shade of a colour that nobody would call by another name of the list. */
export function drawShade(name: ColourName, random: Random): Rgb {
  for (;;) {
    const brightness = random.between(...BRIGHTNESS);
    const [red, green, blue] = prototypes[name].map((value) =>
      Math.min(255, Math.max(0, value * brightness + random.between(-JITTER, JITTER))),
    );
    const shade: Rgb = [red!, green!, blue!];
    const far = distance(shade, prototypes[name]);
    const others = colourNames.filter((other) => other !== name);
    if (others.every((other) => far < CLEARLY * distance(shade, prototypes[other]))) return shade;
  }
}

/** How much of a drawing's light and dark shows through the colour that it is painted in. */
const SHADING = 0.25;
const luma = [0.299, 0.587, 0.114] as const;

/** Paints a drawing in one colour, lighter where it is light. */
export function tintMap(colour: Rgb): ColourMap {
  const map = new Float64Array(12);
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 3; column++) map[row * 3 + column] = SHADING * luma[column]!;
    map[9 + row] = colour[row]! - 128 * SHADING;
  }
  return map;
}
