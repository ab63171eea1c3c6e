import type tf from '#tfjs';
import {encodedBytes} from '../kernels/encoding.js';
import {encodingOf} from '../kernels/weight.js';
import type {WeightSource} from '../model/layers.js';

/** Sums up the bytes of the weights that a tower is made of. */
export class CountedWeights implements WeightSource {
  constructor(
    private readonly source: WeightSource,
    private readonly sizes: Map<string, number> = new Map(),
    private readonly prefix = '',
  ) {}

  tensor(name: string, shape: readonly number[]): tf.Tensor {
    const tensor = this.source.tensor(name, shape);
    this.sizes.set(this.prefix + name, encodedBytes(encodingOf(tensor), shape));
    return tensor;
  }

  scope(prefix: string): WeightSource {
    const inner = this.source.scope(prefix);
    return new CountedWeights(inner, this.sizes, `${this.prefix}${prefix}.`);
  }

  /** Bytes of the tensors whose names match. */
  bytes(names: RegExp): number {
    return [...this.sizes].reduce((sum, [name, size]) => sum + (names.test(name) ? size : 0), 0);
  }
}
