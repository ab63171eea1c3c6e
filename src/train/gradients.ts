// Gradients of a batch that may come in parts: micro-batches that fit into memory, and ranks.
import tf from '#tfjs';
import {sumOfSquares} from '../kernels/index.js';
import {withRecomputation} from '../model/recompute.js';
import type {LossTerms} from './objective.js';

export interface Gradients {
  /** By the parameter's name; one that the losses do not depend on has none. */
  readonly grads: Record<string, tf.Tensor>;
  /** Values of the loss and its terms, summed over the parts. */
  readonly losses: Record<string, number>;
}

/**
 * A part of a batch: what needs no gradient is computed first, then the objective that it returns. Its
 * loss is a share of the whole batch's, so that the parts' sum is that.
 */
export type BatchPart = () => () => LossTerms;

/**
 * Gradients of the sum of the parts' losses by the named variables. Parts run one after the other: memory
 * is that of the largest. With `recomputes`, blocks keep no activations for the backward pass.
 */
export function gradientsOf(
  parts: readonly BatchPart[],
  learning: ReadonlyMap<string, tf.Variable>,
  {recomputes = false} = {},
): Gradients {
  const nameOf = new Map([...learning].map(([name, variable]) => [variable.name, name]));
  const variables = [...learning.values()];
  const grads: Record<string, tf.Tensor> = {};
  const losses: Record<string, number> = {};
  for (const part of parts) {
    const found = tf.tidy(() => {
      const objective = part();
      const differentiate = () =>
        tf.variableGrads(() => {
          const terms = objective();
          for (const [name, term] of Object.entries(terms))
            losses[name] = (losses[name] ?? 0) + term.dataSync()[0]!;
          return terms.loss;
        }, variables);
      return (recomputes ? withRecomputation(variables, differentiate) : differentiate()).grads;
    });
    for (const [id, grad] of Object.entries(found)) {
      if (!grad) continue;
      const name = nameOf.get(id)!;
      const before = grads[name];
      grads[name] = before ? tf.add(before, grad) : grad;
      if (before) tf.dispose([before, grad]);
    }
  }
  return {grads, losses};
}

/** The norm of all gradients together, summed in float64. */
export function globalNorm(grads: Readonly<Record<string, tf.Tensor>>): number {
  return Math.sqrt(sumOfSquares(Object.values(grads)));
}

/** The factor that brings gradients of that norm down to `clipNorm` (torch's clip_grad_norm_). */
export function clipFactor(norm: number, clipNorm: number): number {
  return Math.min(1, clipNorm / (norm + 1e-6));
}
