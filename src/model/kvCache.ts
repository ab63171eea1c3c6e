// Keys and values of the positions already seen, so that a new token costs one position only.
// R rows (beams), S positions (capacity), H heads, D head size.
import tf from '#tfjs';
import {cacheWrite} from '../kernels/index.js';

/**
 * The cache of one generation. Beams share what they have in common: `rows[b][s]` says which row of
 * the cache holds position s of beam b, so reordering beams moves a few integers and no keys.
 */
export class KvCache {
  private readonly keys: tf.Tensor4D[];
  private readonly values: tf.Tensor4D[];
  private rows: Int32Array[];
  private used = 0;

  constructor(
    numLayers: number,
    private readonly numRows: number,
    readonly capacity: number,
    numHeads: number,
    headDim: number,
  ) {
    const shape: [number, number, number, number] = [numRows, capacity, numHeads, headDim];
    this.keys = Array.from({length: numLayers}, () => tf.keep(tf.zeros<tf.Rank.R4>(shape)));
    this.values = Array.from({length: numLayers}, () => tf.keep(tf.zeros<tf.Rank.R4>(shape)));
    this.rows = [new Int32Array(capacity)];
  }

  /** Positions filled in every layer. */
  get length(): number {
    return this.used;
  }

  /**
   * Makes room for `numTokens` more positions of `parents.length` sequences, sequence i going on
   * from parents[i] of the sequences before. Call once a step, before the layers append.
   */
  advance(parents: readonly number[], numTokens: number): void {
    if (this.used + numTokens > this.capacity)
      throw new Error(`KvCache: ${this.used + numTokens} positions do not fit ${this.capacity}`);
    if (parents.length > this.numRows)
      throw new Error(`KvCache: ${parents.length} sequences do not fit ${this.numRows} rows`);
    this.rows = parents.map((parent, i) => {
      const row = Int32Array.from(this.rows[parent]!);
      row.fill(i, this.used, this.used + numTokens);
      return row;
    });
    this.used += numTokens;
  }

  /** Back to the first `length` positions of sequence 0, from which others may go on. */
  rewind(length: number): void {
    if (length > this.used)
      throw new Error(`KvCache: there are ${this.used} positions, not ${length}`);
    this.rows = [this.rows[0]!];
    this.used = length;
  }

  /** Writes keys and values [B, T, H, D] of the newest T positions into `layer`; the layer's cache. */
  append(layer: number, k: tf.Tensor4D, v: tf.Tensor4D): {keys: tf.Tensor4D; values: tf.Tensor4D} {
    const position = this.used - k.shape[1];
    const write = (cached: tf.Tensor4D[], fresh: tf.Tensor4D) => {
      const after = tf.keep(cacheWrite(cached[layer]!, fresh, position)); // disposes what was cached
      cached[layer] = after;
      return after;
    };
    return {keys: write(this.keys, k), values: write(this.values, v)};
  }

  /** Which cache row holds each position of each sequence: int32 [B, length]; the caller disposes it. */
  rowTable(): tf.Tensor2D {
    const table = new Int32Array(this.rows.length * this.used);
    for (const [i, row] of this.rows.entries())
      table.set(row.subarray(0, this.used), i * this.used);
    return tf.tensor2d(table, [this.rows.length, this.used], 'int32');
  }

  dispose(): void {
    tf.dispose([...this.keys, ...this.values]);
  }
}
