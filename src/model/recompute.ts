// Gradient checkpointing (arXiv 1604.06174): a transformer block keeps its inputs only, and computes its
// activations again when the backward pass comes to it. Training turns it on around a forward pass.
import tf from '#tfjs';
import {replayDropout} from './dropout.js';
import type {WeightSource} from './layers.js';

let learned: ReadonlySet<tf.Tensor> | undefined;

/** Runs `body`, a forward and backward pass that learns these variables, with blocks that recompute. */
export function withRecomputation<T>(variables: readonly tf.Variable[], body: () => T): T {
  const before = learned;
  learned = new Set(variables);
  try {
    return body();
  } finally {
    learned = before;
  }
}

/** A weight source that lists what it gave: the weights of the block that is made from it. */
export class ListedWeights implements WeightSource {
  constructor(
    private readonly source: WeightSource,
    readonly tensors: tf.Tensor[] = [],
  ) {}

  tensor(name: string, shape: readonly number[]): tf.Tensor {
    const tensor = this.source.tensor(name, shape);
    this.tensors.push(tensor);
    return tensor;
  }

  scope(prefix: string): ListedWeights {
    return new ListedWeights(this.source.scope(prefix), this.tensors);
  }
}

/**
 * What `body` makes of the inputs and of `weights`, which it reads by itself: gradients go to nothing else.
 * Integers among the inputs are handed on without one. Where recomputation is on, the activations live while
 * `body` runs, in the forward and again in the backward pass; else from the one to the other.
 */
export function recomputed<I extends Record<string, tf.Tensor | undefined>, T extends tf.Tensor>(
  weights: readonly tf.Tensor[],
  inputs: I,
  body: (inputs: I) => T,
): T {
  if (!learned) return body(inputs);
  const learning = weights.filter((weight) => learned!.has(weight));
  const given = Object.entries(inputs).filter((entry): entry is [string, tf.Tensor] => !!entry[1]);
  const floats = given.filter(([, {dtype}]) => dtype === 'float32');
  const again = replayDropout();
  const run = tf.customGrad((...args) => {
    const save = args.at(-1) as (tensors: tf.Tensor[]) => void;
    save(given.map(([, tensor]) => tensor));
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const kept = Object.fromEntries(given.map(([name], i) => [name, saved[i]!])) as I;
      const targets = [...floats.map(([name]) => kept[name]!), ...learning];
      return inOwnTape(() => again(() => tf.grads(() => body(kept))(targets, dy)));
    };
    return {value: body(inputs), gradFunc};
  });
  return run(...floats.map(([, tensor]) => tensor), ...learning) as T;
}

/** tfjs has one tape at a time: gradients inside of a backward pass would end the outer one's. */
function inOwnTape<T>(body: () => T): T {
  const {state} = tf.engine();
  const outer = state.activeTape;
  try {
    return body();
  } finally {
    state.activeTape = outer;
  }
}
