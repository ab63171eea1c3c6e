// Made-up drawings, and a maker of scenes of them.
import type {Concept, Drawing} from '../../../src/train/emoji/art.js';
import {type Augmentation, plain} from '../../../src/train/emoji/compose.js';
import {SceneMaker} from '../../../src/train/emoji/scene.js';

const SIZE = 32;

/** A disc of one colour that touches all four sides. */
export function disc(concept: number, rgb: readonly number[], vendor = 'round'): Drawing {
  const rgba = new Uint8Array(4 * SIZE * SIZE);
  for (let y = 0; y < SIZE; y++)
    for (let x = 0; x < SIZE; x++) {
      const inside = Math.hypot(x + 0.5 - SIZE / 2, y + 0.5 - SIZE / 2) <= SIZE / 2;
      if (inside) rgba.set([...rgb, 255], 4 * (y * SIZE + x));
    }
  return {concept, vendor, size: SIZE, rgba};
}

const concept = (label: string, category?: Concept['category']): Concept => ({
  hex: label,
  label,
  icons: {},
  ...(category ? {category} : {}),
});

/** Two share a word, one names a colour, categories are of different sizes. */
export const concepts: readonly Concept[] = [
  concept('tiger', 'animal'),
  concept('owl', 'animal'),
  concept('rabbit', 'animal'),
  concept('rabbit face', 'animal'),
  concept('black cat', 'animal'),
  concept('lotus', 'plant'),
  concept('melon', 'food'),
  concept('candy', 'food'),
  concept('tram', 'vehicle'),
  concept('hut', 'building'),
  concept('key'),
  concept('fork and knife'),
  concept('umbrella'),
  concept("two o'clock"),
];

export const light: Augmentation = {
  ...plain,
  plain: 0.2,
  rotation: 6,
  scale: [0.8, 1],
  aspect: 0.1,
  flip: 0.5,
  recolour: 0.2,
  outline: 0.1,
  noise: 2,
};

/** Each concept's discs are of two shades of cyan: near to no ground's colour, so always to be seen. */
export function shapeMaker(
  list: readonly Concept[] = concepts,
  augmentation: Augmentation = light,
): SceneMaker {
  const drawings = list.map((_, i) => [disc(i, [0, 220, 220]), disc(i, [0, 235, 200], 'other')]);
  return new SceneMaker(list, drawings, augmentation);
}
