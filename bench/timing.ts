// How the benches of this folder time and print.
import tf from '#tfjs';

/**
 * The shortest of several runs, in seconds; what `run` gives is disposed. `isProcessorTime` counts
 * this process's processor time, which other programs disturb less; only right on one thread.
 */
export function time(
  run: () => tf.Tensor | readonly tf.Tensor[],
  {isProcessorTime = false, seconds = 0.5}: {isProcessorTime?: boolean; seconds?: number} = {},
): number {
  const now = () => {
    if (!isProcessorTime) return performance.now() / 1000;
    const {user, system} = process.cpuUsage();
    return (user + system) / 1e6;
  };
  let best = Number.POSITIVE_INFINITY;
  const start = now();
  for (let i = 0; i < 5 || (i < 1000 && now() - start < seconds); i++) {
    const begin = now();
    const result = run();
    best = Math.min(best, now() - begin);
    for (const tensor of [result].flat()) tensor.dispose();
  }
  return best;
}

/** Random numbers in [-1, 1). */
export function uniform<R extends tf.Rank>(...shape: number[]): tf.Tensor<R> {
  return tf.randomUniform(shape as tf.ShapeMap[R], -1, 1);
}

/** A number with `digits` decimals, right-aligned in `width`. */
export const column = (value: number, digits = 1, width = 9) =>
  value.toFixed(digits).padStart(width);
