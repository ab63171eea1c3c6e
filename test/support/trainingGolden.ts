// Training runs of the goldens: their batches as ours, their curves and snapshots as checks.
import tf from '#tfjs';
import * as assert from 'uvu/assert';
import {closeTo} from './goldenModel.js';
import type {GoldenGroup} from './goldens.js';

/** A limit up to and including a step; the one of the first range that holds the step is taken. */
export type Limits = readonly (readonly [lastStep: number, rtol: number])[];

function limitAt(limits: Limits, step: number): number {
  return (limits.find(([last]) => step <= last) ?? limits.at(-1)!)[1];
}

/** Compares a run's value of a step with the curve's, relative to it. */
export function checkCurve(
  curve: Readonly<Record<string, readonly number[]>>,
  name: string,
  step: number,
  value: number,
  limits: Limits,
): void {
  const want = curve[name]![step - 1]!;
  const limit = limitAt(limits, step);
  assert.ok(
    Math.abs(value - want) <= limit * Math.abs(want),
    `step ${step}: ${name} ${value}, want ${want} within ${limit} of it`,
  );
}

/** Pixels of some pictures of the golden's pool: [I, 3, size, size]. */
export function poolPixels(golden: GoldenGroup, images: readonly number[]): tf.Tensor4D {
  return tf.tidy(() =>
    tf.gather(golden.tensor<tf.Tensor4D>('pool.pixels'), tf.tensor1d([...images], 'int32')),
  );
}

const norm = (values: ArrayLike<number>, less?: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i]! - (less ? less[i]! : 0)) ** 2;
  return Math.sqrt(sum);
};

export interface SnapshotCheck {
  readonly golden: GoldenGroup;
  /** `snapshots` of the run. */
  readonly snapshots: Readonly<Record<string, unknown>>;
  /** Before the names of the run's tensors, e.g. `with_rows.`. */
  readonly prefix?: string;
  /** Relative limit of the norms of what changed since the start. */
  readonly deltaLimits: Limits;
  /** Largest learning rates of the steps so far, summed: a tenth of it is what a value may be off. */
  readonly rateSum: number;
}

/** Values after a step, against the norms of their change and the tensors that were kept. */
export function checkSnapshot(
  step: number,
  values: ReadonlyMap<string, tf.Tensor>,
  initial: ReadonlyMap<string, Float32Array>,
  {golden, snapshots, prefix = '', deltaLimits, rateSum}: SnapshotCheck,
): void {
  const snapshot = snapshots[String(step)] as {delta_norm: Record<string, number>} | undefined;
  for (const [name, want] of Object.entries(snapshot?.delta_norm ?? {})) {
    // Most rows of the table only decay there, and the golden's own number is 2.6 % off float64's.
    if (step === 1 && name.endsWith('embed_tokens.weight')) continue;
    const delta = norm(values.get(name)!.dataSync(), initial.get(name)!);
    const limit = limitAt(deltaLimits, step);
    assert.ok(
      Math.abs(delta - want) <= limit * want,
      `step ${step}: change of ${name} ${delta}, want ${want} within ${limit}`,
    );
  }
  const start = `${prefix}step${step}.`;
  for (const key of golden.names().filter((name) => name.startsWith(start))) {
    const name = key.slice(start.length);
    if (name.startsWith('grad.')) continue;
    closeTo(values.get(name)!.dataSync(), golden.get(key).data as Float32Array, {
      atol: 2e-7 + 0.1 * rateSum,
      rtol: 0,
      name: key,
    });
  }
}

/** First gradients against the stored ones, to a share of the largest value. */
export function checkGradients(
  grads: Readonly<Record<string, tf.Tensor>>,
  golden: GoldenGroup,
  prefix = '',
): void {
  const start = `${prefix}step1.grad.`;
  const keys = golden.names().filter((name) => name.startsWith(start));
  assert.ok(keys.length > 0, `${golden.group} holds gradients under ${start}`);
  for (const key of keys) {
    const want = golden.get(key).data as Float32Array;
    const largest = want.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    closeTo(grads[key.slice(start.length)]!.dataSync(), want, {
      atol: 3e-4 * largest,
      rtol: 0,
      name: key,
    });
  }
}
