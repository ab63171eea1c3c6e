// Keys and values of the positions already seen, so that a new token costs one position only.
// B sequences (beams), P places, T new positions, H heads, D head size.
import tf from '#tfjs';
import {cacheWrite} from '../kernels/index.js';
import {at, type Place} from '../kernels/place.js';

interface Branching {
  /** The position from which on sequences differ. */
  readonly from: number;
  readonly numSequences: number;
  readonly stride: number;
}

/**
 * The cache of one generation, or of a conversation that goes on. Sequences share what they have in common: of
 * each the cache knows where every position lies, so reordering beams moves a few integers and no keys. The
 * places of a layer are one long row [P, 1, H, D]: position s of sequence i is written at place i · stride + s.
 */
export class KvCache {
  private keys: tf.Tensor4D[];
  private values: tf.Tensor4D[];
  /** Of each sequence and position: its place less the position. */
  private offsets: Int32Array[];
  private used = 0;
  /** Sequences there may be at once, and places from one to the next. */
  private readonly own: Branching;
  private branching: Branching | undefined;

  /**
   * Room for `numSequences` sequences of `capacity` positions, of each layer at its place; memory is taken when it
   * is written to.
   */
  constructor(
    private readonly places: readonly Place[],
    numSequences: number,
    readonly capacity: number,
    private readonly numHeads: number,
    private readonly headDim: number,
  ) {
    this.own = {from: 0, numSequences, stride: capacity};
    const zeros = (place: Place) => at(place, () => tf.keep(this.zeros(numSequences * capacity)));
    this.keys = places.map(zeros);
    this.values = places.map(zeros);
    this.offsets = [new Int32Array(capacity)];
  }

  /** Positions filled in every layer. */
  get length(): number {
    return this.used;
  }

  /** Bytes of one position in all layers. */
  get positionBytes(): number {
    return 2 * this.keys.length * this.numHeads * this.headDim * 4;
  }

  /**
   * Makes room for `numTokens` more positions of `parents.length` sequences, sequence i going on
   * from parents[i] of the sequences before. Call once a step, before the layers append.
   */
  advance(parents: readonly number[], numTokens: number): void {
    if (this.used + numTokens > this.capacity)
      throw new Error(`KvCache: ${this.used + numTokens} positions do not fit ${this.capacity}`);
    const {numSequences, stride} = this.layout;
    if (parents.length > numSequences)
      throw new Error(`KvCache: ${parents.length} sequences, but room for ${numSequences}`);
    this.offsets = parents.map((parent, i) => {
      const row = Int32Array.from(this.offsets[parent]!);
      row.fill(i * stride, this.used, this.used + numTokens);
      return row;
    });
    this.used += numTokens;
  }

  /** Back to the first `length` positions of sequence 0, from which others may go on. */
  rewind(length: number): void {
    if (length > this.used)
      throw new Error(`KvCache: there are ${this.used} positions, not ${length}`);
    this.offsets = [this.offsets[0]!];
    this.used = length;
  }

  /**
   * Sequence 0 is to branch into `numSequences`, for at most `numTokens` more positions: their places follow
   * those of the past, which are not copied.
   */
  branch(numSequences: number, numTokens: number): void {
    this.branching = {from: this.used, numSequences, stride: numTokens};
    this.grow(this.used + numSequences * numTokens);
  }

  /**
   * Ends a branching: the positions since are those of these sequences, further ones are forgotten. What a
   * kernel that was stopped has left undone may be done again: no place is read from that is written to.
   */
  join(sequences: readonly number[]): void {
    if (!this.branching) return;
    const {from: first, stride} = this.branching;
    const moved = sequences.findIndex((sequence) => sequence !== 0);
    if (moved >= 0) {
      const from = first + moved;
      const places = sequences.slice(moved).map((sequence, i) => sequence * stride + from + i);
      this.rewrite((cached) =>
        tf.tidy(() => {
          const lines = tf.gather(cached, tf.tensor1d(places, 'int32'));
          const shape: [number, number, number, number] = [1, places.length, ...this.lineShape];
          return cacheWrite(cached, tf.reshape(lines, shape), from, cached.shape[0]);
        }),
      );
    }
    this.branching = undefined;
    this.offsets = [new Int32Array(this.capacity)];
    this.used = first + sequences.length;
  }

  /** Writes keys and values [B, T, H, D] of the newest T positions into `layer`; the layer's cache. */
  append(layer: number, k: tf.Tensor4D, v: tf.Tensor4D): {keys: tf.Tensor4D; values: tf.Tensor4D} {
    const position = this.used - k.shape[1];
    const write = (cached: tf.Tensor4D[], fresh: tf.Tensor4D) => {
      // Disposes what was cached.
      const after = tf.keep(cacheWrite(cached[layer]!, fresh, position, this.layout.stride));
      cached[layer] = after;
      return after;
    };
    return {keys: write(this.keys, k), values: write(this.values, v)};
  }

  /** What attention takes as cacheRows: int32 [B, length]; the caller disposes it. */
  rowTable(): tf.Tensor2D {
    const table = new Int32Array(this.offsets.length * this.used);
    for (const [i, row] of this.offsets.entries())
      table.set(row.subarray(0, this.used), i * this.used);
    return tf.tensor2d(table, [this.offsets.length, this.used], 'int32');
  }

  /** Copies of all layers' keys, then of their values: sequence 0, [length, H, D] each, one at a time. */
  *read(): Generator<Float32Array> {
    for (const [i, cached] of [...this.keys, ...this.values].entries()) {
      const size: [number, number, number, number] = [this.used, 1, ...this.lineShape];
      const place = this.places[i % this.places.length]!;
      const filled = at(place, () => tf.slice(cached, [0, 0, 0, 0], size));
      const numbers = filled.dataSync() as Float32Array;
      filled.dispose();
      yield numbers;
    }
  }

  /** Fills an empty cache with what `read` gave of one of the same sizes, `length` positions. */
  fill(length: number, layers: Iterable<Float32Array>): void {
    const next = layers[Symbol.iterator]();
    this.rewrite((cached) =>
      tf.tidy(() => {
        const numbers = next.next().value as Float32Array;
        return cacheWrite(
          cached,
          tf.tensor4d(numbers, [1, length, ...this.lineShape]),
          0,
          cached.shape[0],
        );
      }),
    );
    this.used = length;
  }

  dispose(): void {
    tf.dispose([...this.keys, ...this.values]);
  }

  private get layout(): Branching {
    return this.branching ?? this.own;
  }

  private get lineShape(): [number, number] {
    return [this.numHeads, this.headDim];
  }

  private zeros(places: number): tf.Tensor4D {
    return tf.zeros<tf.Rank.R4>([places, 1, ...this.lineShape]);
  }

  /** At least `places` in every layer; what was written in the first `used` stays. */
  private grow(places: number): void {
    this.rewrite((cached) => {
      if (cached.shape[0] >= places) return cached;
      return tf.tidy(() => {
        const past = tf.slice(cached, [0, 0, 0, 0], [this.used, 1, ...this.lineShape]);
        cached.dispose(); // before the new one is filled: one layer is there twice, not all
        const shape: [number, number, number, number] = [1, this.used, ...this.lineShape];
        return cacheWrite(this.zeros(places), tf.reshape(past, shape), 0, places);
      });
    });
  }

  /** Puts what `write` makes of each layer's keys and values in their place; `write` disposes its argument. */
  private rewrite(write: (cached: tf.Tensor4D) => tf.Tensor4D): void {
    for (const all of [this.keys, this.values])
      for (const [layer, cached] of all.entries())
        all[layer] = at(this.places[layer]!, () => tf.keep(write(cached)));
  }
}
