// A folder of npm's packages of drawings as they come, with made-up drawings: a checkered square, whose colours
// are the concept's, the same by all vendors.
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {iconsFile} from '../../src/train/emoji/art.js';
import type {Concept} from '../../src/train/emoji/art.js';
import {Random} from '../../src/random.js';

const CELLS = 4;
const SIZE = 24;

function drawing(seed: number): string {
  const random = new Random(seed);
  const cell = SIZE / CELLS;
  const fields = Array.from({length: CELLS * CELLS}, (_, i) => {
    const [x, y] = [(i % CELLS) * cell, Math.floor(i / CELLS) * cell];
    const colour = `hsl(${random.below(360)},80%,${25 + random.below(40)}%)`;
    return `<rect x="${x}" y="${y}" width="${cell}" height="${cell}" fill="${colour}"/>`;
  });
  return fields.join('');
}

/** Writes each vendor's drawings of the concepts that it has by its list of names. */
export function writeFakeArt(
  folder: string,
  vendors: readonly string[],
  concepts: readonly Concept[],
): void {
  const drawings = concepts.map((_, i) => drawing(i));
  for (const vendor of vendors) {
    const icons = Object.fromEntries(
      concepts.flatMap(({icons: names}, i) => {
        const name = names[vendor];
        return name === undefined ? [] : [[name, {body: drawings[i]}]];
      }),
    );
    const file = iconsFile(vendor, folder);
    mkdirSync(path.dirname(file), {recursive: true});
    writeFileSync(file, JSON.stringify({width: SIZE, height: SIZE, icons}));
  }
}
