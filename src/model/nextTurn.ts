import {setImmediate} from 'node:timers/promises';

/**
 * Runs one step of the model after the event loop had its turn, so that signals and timers get
 * through between steps. Throws the signal's reason when it is aborted before or after the step.
 */
export async function nextTurn<T>(
  signal: AbortSignal | undefined,
  step: () => T | Promise<T>,
): Promise<T> {
  await setImmediate();
  signal?.throwIfAborted();
  const result = await step();
  signal?.throwIfAborted();
  return result;
}
