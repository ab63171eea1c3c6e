// AdamW (arXiv 1711.05101) as torch.optim.AdamW computes it.
import * as tf from '@tensorflow/tfjs';

export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
}

interface Moments {
  readonly m: tf.Variable;
  readonly v: tf.Variable;
}

export class AdamW {
  private readonly moments = new Map<string, Moments>();
  private stepCount = 0;

  constructor(readonly options: AdamWOptions) {}

  /** Updates taken so far. */
  get steps(): number {
    return this.stepCount;
  }

  /**
   * One update of each named variable that has a gradient. `lr` gives a parameter's learning rate,
   * `decays` says whether weight decay applies to it (default: to all).
   */
  step(
    variables: ReadonlyMap<string, tf.Variable>,
    grads: Readonly<Record<string, tf.Tensor>>,
    lr: (name: string) => number,
    decays: (name: string) => boolean = () => true,
  ): void {
    this.stepCount++;
    const {beta1, beta2, eps, weightDecay} = this.options;
    const correction1 = 1 - beta1 ** this.stepCount;
    const correction2 = 1 - beta2 ** this.stepCount;
    for (const [name, grad] of Object.entries(grads)) {
      const parameter = variables.get(name);
      if (!parameter) throw new Error(`AdamW: no variable is named ${name}`);
      const {m, v} = this.momentsOf(name, parameter);
      const rate = lr(name);
      tf.tidy(() => {
        m.assign(tf.add(tf.mul(m, beta1), tf.mul(grad, 1 - beta1)));
        v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(grad), 1 - beta2)));
        const decayed = decays(name) ? tf.mul(parameter, 1 - rate * weightDecay) : parameter;
        const scale = tf.add(tf.div(tf.sqrt(v), Math.sqrt(correction2)), eps);
        parameter.assign(tf.sub(decayed, tf.mul(tf.div(m, scale), rate / correction1)));
      });
    }
  }

  private momentsOf(name: string, parameter: tf.Variable): Moments {
    let moments = this.moments.get(name);
    if (!moments) {
      moments = tf.tidy(() => ({
        m: tf.variable(tf.zerosLike(parameter), false),
        v: tf.variable(tf.zerosLike(parameter), false),
      }));
      this.moments.set(name, moments);
    }
    return moments;
  }

  dispose(): void {
    for (const {m, v} of this.moments.values()) tf.dispose([m, v]);
    this.moments.clear();
  }
}
