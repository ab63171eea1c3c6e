import type * as tf from '@tensorflow/tfjs';

type TraceSink = (name: string, tensor: tf.Tensor) => void;

let sink: TraceSink | undefined;

/** Marks an intermediate tensor under the name that `emu trace` writes it by; returns it unchanged. */
export function traced<T extends tf.Tensor>(name: string, x: T): T {
  sink?.(name, x);
  return x;
}

/** Runs `body` and hands every traced tensor to `onTensor` while it is alive. */
export function collectTrace<R>(onTensor: TraceSink, body: () => R): R {
  const outer = sink;
  sink = onTensor;
  try {
    return body();
  } finally {
    sink = outer;
  }
}
