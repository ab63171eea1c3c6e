// Dropout that training turns on around a forward pass; outside of it layers pass their input on.
import tf from '#tfjs';
import {Random} from '../random.js';

let active: {readonly rate: number; readonly random: Random} | undefined;

/** Runs `body` with dropout of that rate in the layers that have it, drawn from `random`. */
export function withDropout<T>(rate: number, random: Random, body: () => T): T {
  const before = active;
  active = {rate, random};
  try {
    return body();
  } finally {
    active = before;
  }
}

/** Runs a body now or later with the dropout that is active now, each time with the same draws. */
export function replayDropout(): <T>(body: () => T) => T {
  if (!active) return (body) => body();
  const {rate, random} = active;
  const state = random.save();
  return (body) => {
    const same = new Random(0);
    same.restore(state);
    return withDropout(rate, same, body);
  };
}

/** x with each number zeroed at the active rate and the others scaled up, so that the mean stays. */
export function dropout<T extends tf.Tensor>(x: T): T {
  if (!active || active.rate === 0) return x;
  const {rate, random} = active;
  // Four decisions from each 32-bit number: 1/256 is as fine as a rate needs to be.
  const limit = Math.min(255, Math.max(1, Math.round(rate * 256)));
  const kept = 256 / (256 - limit);
  const mask = new Float32Array(x.size);
  for (let i = 0; i < mask.length; i += 4) {
    const word = random.uint32();
    for (let k = 0; k < 4 && i + k < mask.length; k++)
      mask[i + k] = ((word >>> (8 * k)) & 255) < limit ? 0 : kept;
  }
  return tf.mul(x, tf.tensor(mask, x.shape)) as T;
}
