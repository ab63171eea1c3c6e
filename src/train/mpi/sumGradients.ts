// Gradients of a global batch: each rank has those of its own samples.
import tf from '#tfjs';
import {activeNativeBackend} from '../../kernels/native/nativeBackend.js';
import type {Communicator} from './communicator.js';

/**
 * Sums named gradients over the ranks, in the order of sorted names. Where a rank's loss is its samples'
 * sum divided by the whole batch's count, the result is the gradient of the batch's mean: each rank gets
 * the same bits. `variables` are the learning ones, the same on all ranks. A gradient that only some
 * ranks have (one without pictures has none for the vision encoder) counts as 0 on the others.
 *
 * Takes over `gradients`: on `native` a tensor's own numbers become the sum where no other tensor shares
 * them; other tensors are replaced and disposed.
 */
export function sumGradients(
  communicator: Communicator,
  gradients: Readonly<Record<string, tf.Tensor>>,
  variables: ReadonlyMap<string, tf.Tensor>,
): Record<string, tf.Tensor> {
  if (communicator.size === 1) return {...gradients};
  const names = [...variables.keys()].sort();
  const counts = communicator.sumNumbers(names.map((name) => (gradients[name] ? 1 : 0)));
  const present = names.filter((_name, i) => counts[i]! > 0);
  const own = new Set<string>();
  const sums = present.map((name) => {
    const gradient = gradients[name];
    if (!gradient) return new Float32Array(variables.get(name)!.size);
    const numbers = ownNumbers(gradient, gradients);
    if (!numbers) return Float32Array.from(gradient.dataSync());
    own.add(name);
    return numbers;
  });
  communicator.sumAll(sums);
  const result: Record<string, tf.Tensor> = {};
  for (const [i, name] of present.entries()) {
    result[name] = own.has(name)
      ? gradients[name]!
      : tf.tensor(sums[i]!, variables.get(name)!.shape, 'float32');
  }
  tf.dispose(present.flatMap((name) => (own.has(name) ? [] : (gradients[name] ?? []))));
  return result;
}

/** A gradient's numbers if they may be overwritten in place. */
function ownNumbers(
  gradient: tf.Tensor,
  all: Readonly<Record<string, tf.Tensor>>,
): Float32Array | undefined {
  const native = activeNativeBackend();
  if (!native?.isExclusive(gradient)) return undefined;
  // One tensor may be the gradient of two variables.
  const uses = Object.values(all).filter((other) => other === gradient).length;
  return uses === 1 ? native.floats(gradient) : undefined;
}
