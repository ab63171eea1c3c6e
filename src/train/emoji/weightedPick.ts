import {Random} from '../../random.js';

/** A key, drawn as often as its weight says. */
export function weightedPick<K extends string>(
  weights: Readonly<Record<K, number>>,
  random: Random,
): K {
  const entries = Object.entries(weights) as [K, number][];
  let place = random.uniform() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [key, weight] of entries) {
    if (place < weight) return key;
    place -= weight;
  }
  return entries.at(-1)![0];
}

/**
 * Whether sample `index` is one of the long ones, a share of all: `block` samples in a row are all long
 * or none, because a batch is as long as its longest row.
 */
export function isInLongBlock(index: number, block: number, share: number): boolean {
  return new Random(Math.floor(index / block)).chance(share); // one stream for the whole block
}
