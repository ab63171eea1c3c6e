// The order of an epoch as a function: no list of millions of numbers is shuffled or kept.
import {Random} from '../../random.js';

const ROUNDS = 8;

/**
 * A permutation of 0 .. size-1 drawn by (seed, stream): a balanced Feistel network over the next power of
 * four, walked until it falls below `size` (Black and Rogaway 2002, cycle walking).
 */
export class Permutation {
  private readonly half: number; // bits, at most 26
  private readonly keys: readonly number[];

  /** `size`: from 1 up to 2^52. */
  constructor(
    private readonly size: number,
    seed: number,
    stream: number,
  ) {
    this.half = 1;
    while (4 ** this.half < size) this.half++;
    const random = new Random(seed, stream);
    this.keys = Array.from({length: ROUNDS}, () => random.uint32());
  }

  /** The place of `index`, 0 <= index < size. At most four walks on average. */
  at(index: number): number {
    let place = index;
    do place = this.encrypt(place);
    while (place >= this.size);
    return place;
  }

  private encrypt(value: number): number {
    const base = 2 ** this.half;
    let left = Math.floor(value / base);
    let right = value % base;
    for (const key of this.keys) {
      const mixed = mix(right ^ key) % base;
      [left, right] = [right, left ^ mixed];
    }
    return left * base + right;
  }
}

/** A 32-bit hash (Mulvey's lowbias32): every bit of `x` moves every bit of the result. */
function mix(x: number): number {
  let h = x ^ (x >>> 16);
  h = Math.imul(h, 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}
