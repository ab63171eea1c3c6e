// Where the objects of a scene stand: one anywhere, some in cells or quarters, two side by side. What
// will be asked (cell, relation, number) is drawn first and evenly, the coordinates after it.
import type {Random} from '../../random.js';

/** A centre and a longer side, as shares of the canvas. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

/** Reading order. */
export const cells = [
  'top left',
  'top',
  'top right',
  'left',
  'middle',
  'right',
  'bottom left',
  'bottom',
  'bottom right',
] as const;

export type Cell = (typeof cells)[number];

export const relations = ['left of', 'right of', 'above', 'below'] as const;

export type Relation = (typeof relations)[number];

/** The cell of a 3x3 grid in which a centre lies. */
export function cellOf({x, y}: Place): Cell {
  const third = (share: number) => Math.min(2, Math.max(0, Math.floor(3 * share)));
  return cells[3 * third(y) + third(x)]!;
}

/** How the first stands to the second, by the axis on which they are further apart. */
export function relationOf(first: Place, second: Place): Relation {
  const dx = first.x - second.x;
  const dy = first.y - second.y;
  if (Math.abs(dx) > Math.abs(dy)) return dx < 0 ? 'left of' : 'right of';
  return dy < 0 ? 'above' : 'below';
}

/** As near to `wanted` as an object of that size stays whole. */
function inside(wanted: number, size: number): number {
  return Math.min(1 - size / 2, Math.max(size / 2, wanted));
}

/** One large object anywhere. `scale` multiplies its size, here and below. */
export function anywhere(scale: number, random: Random): Place {
  const freedom = Math.max(0, 1 - scale) / 2;
  const centre = () => 0.5 + random.between(-freedom, freedom);
  return {x: centre(), y: centre(), size: scale};
}

/** `count` different numbers below `bound`, in any order. */
function distinct(count: number, bound: number, random: Random): number[] {
  const rest = Array.from({length: bound}, (_, i) => i);
  return Array.from({length: count}, () => rest.splice(random.below(rest.length), 1)[0]!);
}

/** Objects in different cells of a 3x3 grid: a single one may be larger than its cell. */
export function inCells(count: number, scale: number, random: Random): Place[] {
  const size = scale * (count === 1 ? random.between(0.34, 0.44) : random.between(0.28, 0.32));
  const jitter = count === 1 ? 0.06 : 0.02;
  return distinct(count, cells.length, random).map((cell) => {
    const centre = (third: number) =>
      inside((third + 0.5) / 3 + random.between(-jitter, jitter), size);
    return {x: centre(cell % 3), y: centre(Math.floor(cell / 3)), size};
  });
}

/** Up to four objects, each in a quarter of its own: as large as countable things can be. */
export function inQuarters(count: number, scale: number, random: Random): Place[] {
  return distinct(count, 4, random).map((quarter) => {
    const size = scale * random.between(0.4, 0.46);
    const centre = (half: number) => inside((half + 0.5) / 2 + random.between(-0.03, 0.03), size);
    return {x: centre(quarter % 2), y: centre(quarter >> 1), size};
  });
}

/** The least ratio of the sizes of two objects of which one is called bigger. */
export const UNEQUAL = 1.7;

/** Two objects, the first standing so to the second; `unequal`: one of them much bigger. */
export function sideBySide(
  relation: Relation,
  unequal: boolean,
  scale: number,
  random: Random,
): [Place, Place] {
  const sizes = unequal
    ? [random.between(0.52, 0.58), random.between(0.26, 0.3)]
    : [random.between(0.42, 0.48), random.between(0.42, 0.48)];
  if (random.chance(0.5)) sizes.reverse();
  const [first, second] = sizes.map((size) => size * scale) as [number, number];
  const isFirst = relation === 'left of' || relation === 'above';
  const [near, far] = isFirst ? [first, second] : [second, first]; // from the left or from the top
  const free = 1 - near - far;
  const margin = random.between(0, 0.4) * free;
  const gap = random.between(0.2, 0.6) * free;
  const along = [margin + near / 2, margin + near + gap + far / 2];
  if (!isFirst) along.reverse();
  const place = (position: number, size: number): Place => {
    const across = inside(0.5 + random.between(-0.12, 0.12), size);
    return relation === 'above' || relation === 'below'
      ? {x: across, y: position, size}
      : {x: position, y: across, size};
  };
  return [place(along[0]!, first), place(along[1]!, second)];
}
