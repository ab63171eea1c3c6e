// Scenes of up to four objects on a named ground: first described, so that questions can be asked about
// the description, then drawn from it.
import type {Picture} from '../../data/picture.js';
import {EmuError} from '../../errors.js';
import type {Random} from '../../random.js';
import {splitWords} from '../../text/wordTokenizer.js';
import type {Category, Concept, Drawing} from './art.js';
import {type Canvas, canvasOf, type Grain, type Ink, NOISE_LENGTH, type Rgb} from './canvas.js';
import {
  type ColourName,
  colourNames,
  drawShade,
  type TintName,
  tintMap,
  tintNames,
} from './colours.js';
import {type Augmentation, drawInk, drawPose, type Pose, plain} from './compose.js';
import {anywhere, inCells, inQuarters, type Place, relations, sideBySide} from './places.js';

export interface SceneObject extends Place {
  /** Index in the list of concepts. */
  readonly concept: number;
  readonly drawing: Drawing;
  readonly pose: Pose;
  readonly ink: Ink;
  /** The one colour it is painted in; without one it has its own. */
  readonly tint?: TintName;
}

export interface Ground {
  readonly colour: ColourName;
  readonly style: 'plain' | 'gradient' | 'noise';
  /** Both ends of a gradient; equal in the other styles. */
  readonly from: Rgb;
  readonly to: Rgb;
  /** The gradient's direction, radians. */
  readonly angle: number;
}

/**
 * What stands how: one large object; one or two in cells; two side by side; none to four to be counted;
 * the same, of which some are the one thing that is counted.
 */
export type Layout = 'single' | 'cells' | 'pair' | 'things' | 'copies';

export interface Scene {
  readonly layout: Layout;
  /** What it was drawn for: the rest is spread evenly. */
  readonly wishes: SceneWishes;
  readonly ground: Ground;
  readonly objects: readonly SceneObject[];
  /** copies: the concept that is counted, which may be absent. */
  readonly counted?: number;
  readonly grain: Grain;
}

/** What a question asks of its scene; the rest is drawn. */
export interface SceneWishes {
  readonly layout: Layout;
  /** The first object's concept. */
  readonly concept?: number;
  /** Whether all objects are painted in a named colour each. */
  readonly tinted?: boolean;
  /** Whether one of a pair is much bigger. */
  readonly unequal?: boolean;
  /** Plain white in the place of a named colour. */
  readonly white?: boolean;
}

/** Shares of what a question leaves open. */
const TINTED = 0.15;
const UNEQUAL_SHARE = 0.4;

/** Standard deviation of a noisy ground, of 255. */
const GROUND_NOISE = 10;

const white: Rgb = [255, 255, 255];
const smallWords = new Set(['and', 'in', 'not', 'of', 'over', 'with', 'without', "'", '-', 'o']);

/** Draws descriptions of scenes from drawings of concepts. */
export class SceneMaker {
  readonly all: readonly number[];
  /** Categories that concepts have. */
  readonly categories: readonly Category[];
  /** Concepts whose name has no colour in it: painted in another one, "black cat" would mislead. */
  private readonly colourless: readonly number[];
  private readonly alike: readonly ReadonlySet<number>[];

  constructor(
    readonly concepts: readonly Concept[],
    private readonly drawings: readonly (readonly Drawing[])[],
    private readonly augmentation: Augmentation,
  ) {
    const words = concepts.map(({label}) => splitWords(label).filter((w) => !smallWords.has(w)));
    this.all = concepts.map((_, i) => i);
    this.categories = [...new Set(concepts.flatMap(({category}) => category ?? []))];
    const isColour = (word: string) => (colourNames as string[]).includes(word);
    this.colourless = this.all.filter((i) => !words[i]!.some(isColour));
    this.alike = words.map(
      (mine) => new Set(this.all.filter((i) => words[i]!.some((word) => mine.includes(word)))),
    );
  }

  label(concept: number): string {
    return this.concepts[concept]!.label;
  }

  /**
   * A concept that shares no word with any of `present`: where a "rabbit face" is, nobody is asked
   * whether there is a rabbit.
   */
  other(present: readonly number[], random: Random, pool = this.all): number {
    const rest = pool.filter((i) => !present.some((taken) => this.alike[taken]!.has(i)));
    if (rest.length === 0)
      throw new EmuError(
        `scenes: all ${pool.length} concepts share a word with ${present.map((i) => this.label(i)).join(', ')}; list more`,
        {code: 'too_few_concepts', reason: 'usage'},
      );
    return random.pick(rest);
  }

  draw(wishes: SceneWishes, random: Random): Scene {
    const {layout} = wishes;
    const a = random.chance(this.augmentation.plain) ? plain : this.augmentation;
    const scale = random.between(...a.scale); // one for all: sizes are compared
    const ground = drawGround(wishes.white ?? false, random);
    const tinted = wishes.tinted ?? random.chance(TINTED);
    const {places, shown, counted} = this.arrange(wishes, tinted, scale, random);
    const objects = places.map((place, i) => this.object(shown[i]!, place, a, random));
    return {
      layout,
      wishes,
      ground,
      objects: tinted ? objects.map((object) => paintedOver(object, ground, random)) : objects,
      ...(counted === undefined ? {} : {counted}),
      grain: {
        deviation: ground.style === 'noise' ? Math.hypot(a.noise, GROUND_NOISE) : a.noise,
        start: random.below(NOISE_LENGTH),
      },
    };
  }

  /** Places, and the concepts that stand there. */
  private arrange(wishes: SceneWishes, tinted: boolean, scale: number, random: Random) {
    const pool = tinted ? this.colourless : this.all;
    const {layout, concept: subject = random.pick(pool)} = wishes;
    const shown = [subject];
    /** Fills up to `count` with concepts unlike those that are there. */
    const fill = (count: number) => {
      while (shown.length < count) shown.push(this.other(shown, random, pool));
    };
    switch (layout) {
      case 'single':
        return {places: [anywhere(scale, random)], shown};
      case 'cells': {
        const places = inCells(1 + random.below(2), scale, random);
        fill(places.length);
        return {places, shown};
      }
      case 'pair': {
        const unequal = wishes.unequal ?? random.chance(UNEQUAL_SHARE);
        const places = sideBySide(random.pick(relations), unequal, scale, random);
        fill(2);
        return {places, shown};
      }
      case 'things': {
        const places = inQuarters(random.below(5), scale, random);
        const sameKind = random.chance(0.5);
        fill(sameKind ? 1 : places.length);
        return {places, shown: places.map((_, i) => shown[sameKind ? 0 : i]!)};
      }
      case 'copies': {
        const copies = random.below(5);
        const others = random.below(5 - copies);
        const places = inQuarters(copies + others, scale, random);
        fill(1 + others);
        const kinds = places.map((_, i) => shown[Math.max(0, i - copies + 1)]!);
        return {places, shown: kinds, counted: subject};
      }
    }
  }

  private object(concept: number, place: Place, a: Augmentation, random: Random): SceneObject {
    const drawing = random.pick(this.drawings[concept]!);
    return {...place, concept, drawing, pose: drawPose(a, random), ink: drawInk(a, random)};
  }
}

function drawGround(isWhite: boolean, random: Random): Ground {
  if (isWhite) return {colour: 'white', style: 'plain', from: white, to: white, angle: 0};
  const colour = random.pick(colourNames);
  const place = random.uniform();
  const style = place < 0.6 ? 'plain' : place < 0.85 ? 'gradient' : 'noise';
  const from = drawShade(colour, random);
  const to = style === 'gradient' ? drawShade(colour, random) : from;
  return {colour, style, from, to, angle: random.between(0, 2 * Math.PI)};
}

/** The object in a named colour that is not the ground's. */
function paintedOver(object: SceneObject, ground: Ground, random: Random): SceneObject {
  const tint = random.pick(tintNames.filter((name) => name !== ground.colour));
  return {...object, tint, ink: {colours: tintMap(drawShade(tint, random)), outline: false}};
}

function paint({ground, objects}: Scene, canvas: Canvas): void {
  if (ground.style === 'gradient') canvas.fillGradient(ground.from, ground.to, ground.angle);
  else canvas.fill(ground.from);
  for (const {x, y, size, drawing, pose, ink} of objects) {
    const {angle, stretch, mirror} = pose;
    const lengths = {centreX: x * canvas.size, centreY: y * canvas.size, size: size * canvas.size};
    canvas.paint(drawing, {...lengths, angle, stretch, mirror}, ink);
  }
}

/** The scene as the model reads it: normalized pixels [3, size, size]. */
export function scenePixels(scene: Scene, size: number): Float32Array {
  const canvas = canvasOf(size);
  const pixels = new Float32Array(3 * size * size);
  paint(scene, canvas);
  canvas.normalize(pixels, 0, scene.grain);
  return pixels;
}

/** The scene as a decoded picture, `size` pixels square. */
export function scenePicture(scene: Scene, size: number): Picture {
  const canvas = canvasOf(size);
  paint(scene, canvas);
  return canvas.picture(scene.grain);
}
