// Native computations that another thread has stopped (Addon.cancel).
import {loadAddon} from './native/addon.js';

/** Whether an error is what a native kernel throws when it was asked to stop. */
export function isCancelled(error: unknown): boolean {
  return error instanceof Error && (error as {code?: string}).code === 'cancelled';
}

/** Lets kernels run again after they were asked to stop. */
export function resumeKernels(): void {
  loadAddon()?.cancel(false);
}

/** Runs what has to be done all the same, a second time if it was stopped: it may be run twice. */
export function uncancelled<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!isCancelled(error)) throw error;
    resumeKernels();
    return run();
  }
}
