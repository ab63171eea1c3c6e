import tf from '#tfjs';
import type {WeightSource} from '../model/layers.js';

type Initial = (name: string, shape: readonly number[]) => tf.Tensor;

/** Weights that stay as they are, and which these are. */
export interface Frozen {
  readonly weights: WeightSource;
  isFrozen(name: string): boolean;
}

/**
 * A weight source whose tensors are float32 variables, made when a tower first asks for them from
 * `initial` (a checkpoint's value, or a random one; disposed once copied). Frozen ones come from where
 * they are instead, in their own encoding: they cost no copy.
 */
export class Variables implements WeightSource {
  constructor(
    private readonly initial: Initial,
    private readonly frozen?: Frozen,
    readonly all: Map<string, tf.Variable> = new Map(),
    private readonly prefix = '',
  ) {}

  tensor(name: string, shape: readonly number[]): tf.Tensor {
    const path = this.prefix + name;
    if (this.frozen?.isFrozen(path)) return this.frozen.weights.tensor(path, shape);
    const known = this.all.get(path);
    if (known) return known;
    const variable = tf.tidy(() => {
      const stored = this.initial(path, shape);
      const values = Float32Array.from(stored.dataSync());
      return tf.variable(tf.tensor(values, [...shape], 'float32'), true);
    });
    this.all.set(path, variable);
    return variable;
  }

  scope(prefix: string): Variables {
    return new Variables(this.initial, this.frozen, this.all, `${this.prefix}${prefix}.`);
  }

  dispose(): void {
    for (const variable of this.all.values()) variable.dispose();
    this.all.clear();
  }
}
