import {Random} from '../../random.js';

/** What a run's seed is used for: each use has streams of its own. */
export const uses = {mixture: 1, order: 2, sample: 3, replacement: 4, plugin: 5} as const;

/** A seed of 53 bits for one use of the data, and one source of it. */
export function seedFor(seed: number, use: keyof typeof uses, source = 0): number {
  // The mark keeps apart from what else draws from the run's seed.
  const marked = new Random(seed, 0xda7a).uniform() * 2 ** 53;
  return new Random(marked, uses[use] + 16 * source).uniform() * 2 ** 53;
}
