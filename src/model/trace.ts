import type tf from '#tfjs';

type TraceSink = (name: string, tensor: tf.Tensor) => void;

let sink: TraceSink | undefined;

/**
 * Marks an intermediate tensor under the name that `emu trace` writes it by; returns it unchanged.
 * `view` gives what is written in its place (another layout, a step that is fused away); it runs only
 * while a trace is collected.
 */
export function traced<T extends tf.Tensor>(name: string, x: T, view?: (x: T) => tf.Tensor): T {
  sink?.(name, view ? view(x) : x);
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

/** The same of a body that waits; nothing else may run models meanwhile. */
export async function collectTraceOf<R>(onTensor: TraceSink, body: () => Promise<R>): Promise<R> {
  const outer = sink;
  sink = onTensor;
  try {
    return await body();
  } finally {
    sink = outer;
  }
}
