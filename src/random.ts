// Random numbers that are the same on every machine: xoshiro128** (Blackman, Vigna 2018), its state
// filled by splitmix32 from the seed and the stream.

/** Streams of one seed are independent of each other: drawing from one does not move the others. */
export class Random {
  private readonly state: Uint32Array;

  /** `seed` and `stream`: integers from 0, up to 2^53. */
  constructor(seed: number, stream = 0) {
    let mixed = 0;
    const absorb = (word: number) => {
      mixed = splitmix(mixed ^ word);
    };
    for (const value of [seed, stream]) {
      absorb(value >>> 0);
      absorb(Math.floor(value / 2 ** 32) >>> 0);
    }
    this.state = new Uint32Array(4);
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      this.state[i] = splitmix(mixed);
    }
    if (this.state.every((word) => word === 0)) this.state[0] = 1; // the one state it cannot leave
  }

  /** The state: four 32-bit words, from which `restore` goes on exactly. */
  save(): number[] {
    return [...this.state];
  }

  restore(state: readonly number[]): void {
    this.state.set(state);
  }

  /** An integer from 0 up to 2^32, exclusive. */
  uint32(): number {
    const s = this.state;
    const result = Math.imul(rotate(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const shifted = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = rotate(s[3]!, 11);
    return result;
  }

  /** A number in [0, 1) with 53 random bits. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** An integer in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** Standard normal (Box and Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

/** The output function of splitmix32. */
function splitmix(x: number): number {
  let z = (x + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}
