// An exponential moving average of weights: what a diffusion model draws with.
import tf from '#tfjs';
import type {WeightSource} from '../model/layers.js';

const PREFIX = 'ema.';

/** The averages as the weights of a model, in which they are read, not copied. */
class AverageSource implements WeightSource {
  constructor(
    private readonly averages: ReadonlyMap<string, tf.Tensor>,
    private readonly prefix = '',
  ) {}

  tensor(name: string): tf.Tensor {
    const average = this.averages.get(this.prefix + name);
    if (!average) throw new Error(`Ema: no weight is named ${this.prefix}${name}`);
    return average;
  }

  scope(prefix: string): AverageSource {
    return new AverageSource(this.averages, `${this.prefix}${prefix}.`);
  }
}

export class Ema {
  /** By the variables' names. */
  readonly averages: ReadonlyMap<string, tf.Variable>;

  /** Starts at the variables' present values, without a correction for that bias. */
  constructor(
    private readonly variables: ReadonlyMap<string, tf.Variable>,
    readonly decay: number,
  ) {
    this.averages = new Map(
      [...variables].map(([name, variable]) => [
        name,
        tf.variable(variable, false), // the two share their numbers until one of them is assigned to
      ]),
    );
  }

  /** average = decay · average + (1 - decay) · variable: once after each step of the optimizer. */
  update(): void {
    for (const [name, average] of this.averages) {
      const variable = this.variables.get(name)!;
      tf.tidy(() => {
        average.assign(tf.add(tf.mul(average, this.decay), tf.mul(variable, 1 - this.decay)));
      });
    }
  }

  /** The averages as a model's weights; they stay those of this object. */
  weights(): WeightSource {
    return new AverageSource(this.averages);
  }

  /** The averages under names of their own, for a checkpoint: `ema.NAME`. */
  tensors(): Map<string, tf.Tensor> {
    return new Map([...this.averages].map(([name, average]) => [PREFIX + name, average]));
  }

  /** Takes the averages back from a checkpoint's values; one that it lacks stays as it is. */
  restore(values: ReadonlyMap<string, Float32Array>): void {
    for (const [name, average] of this.averages) {
      const value = values.get(PREFIX + name);
      if (value) tf.tidy(() => average.assign(tf.tensor(value, average.shape)));
    }
  }

  dispose(): void {
    for (const average of this.averages.values()) average.dispose();
  }
}
