// AdamW (arXiv 1711.05101) as torch.optim.AdamW computes it.
import tf from '#tfjs';
import {adamwStep} from '../kernels/index.js';

export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
}

interface Moments {
  readonly m: tf.Variable;
  readonly v: tf.Variable;
  /** Updates of this parameter: one that joins later has its own bias correction. */
  steps: number;
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
   * `decays` says whether weight decay applies to it (default: to all); gradients are multiplied by
   * `gradientScale` first (clipping).
   */
  step(
    variables: ReadonlyMap<string, tf.Variable>,
    grads: Readonly<Record<string, tf.Tensor>>,
    lr: (name: string) => number,
    decays: (name: string) => boolean = () => true,
    gradientScale = 1,
  ): void {
    this.stepCount++;
    const {beta1, beta2, eps, weightDecay} = this.options;
    for (const [name, grad] of Object.entries(grads)) {
      const parameter = variables.get(name);
      if (!parameter) throw new Error(`AdamW: no variable is named ${name}`);
      const moments = this.momentsOf(name, parameter);
      moments.steps++;
      adamwStep(parameter, moments.m, moments.v, grad, {
        lr: lr(name),
        beta1,
        beta2,
        eps,
        weightDecay: decays(name) ? weightDecay : 0,
        step: moments.steps,
        scale: gradientScale,
      });
    }
  }

  /** The moments under names of their own, for a checkpoint: `adamw.m.NAME`, `adamw.v.NAME`. */
  tensors(): Map<string, tf.Tensor> {
    const named = new Map<string, tf.Tensor>();
    for (const [name, {m, v, steps}] of this.moments) {
      named.set(`adamw.m.${name}`, m);
      named.set(`adamw.v.${name}`, v);
      named.set(`adamw.steps.${name}`, tf.scalar(steps));
    }
    return named;
  }

  /** Takes the moments back from a checkpoint's values. */
  restore(
    steps: number,
    variables: ReadonlyMap<string, tf.Variable>,
    values: ReadonlyMap<string, Float32Array>,
  ): void {
    this.stepCount = steps;
    for (const [name, variable] of variables) {
      const m = values.get(`adamw.m.${name}`);
      const v = values.get(`adamw.v.${name}`);
      const count = values.get(`adamw.steps.${name}`);
      if (!m || !v || !count) continue;
      const moments = this.momentsOf(name, variable);
      moments.steps = count[0]!;
      tf.tidy(() => {
        moments.m.assign(tf.tensor(m, variable.shape));
        moments.v.assign(tf.tensor(v, variable.shape));
      });
    }
  }

  private momentsOf(name: string, parameter: tf.Variable): Moments {
    let moments = this.moments.get(name);
    if (!moments) {
      moments = tf.tidy(() => ({
        m: tf.variable(tf.zerosLike(parameter), false),
        v: tf.variable(tf.zerosLike(parameter), false),
        steps: 0,
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
