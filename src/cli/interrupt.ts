import {exitCodes} from '../errors.js';

type Cleanup = () => void;

const cleanups = new Set<Cleanup>();
let leave: ((code: number) => never) | undefined;

/** Has interrupts end the process by `exit`, which need not wait for other threads. */
export function leaveBy(exit: (code: number) => never): void {
  leave = exit;
}

/** Runs `cleanup` when the program is interrupted; returns the function that takes it back. */
export function onInterrupt(cleanup: Cleanup): () => void {
  cleanups.add(cleanup);
  return () => cleanups.delete(cleanup);
}

function end(code: number): void {
  for (const cleanup of cleanups) {
    try {
      cleanup();
    } catch {
      // Ending matters more than tidying up.
    }
  }
  // After all other listeners have tidied up: temporary files, child processes.
  process.on('exit', () => leave?.(code));
  process.exit(code);
}

/** Ctrl-C ends with 130, a TERM signal with 143, after the cleanups. */
export function handleSignals(): void {
  process.removeAllListeners('SIGINT');
  process.on('SIGINT', () => end(exitCodes.interrupted));
  process.on('SIGTERM', () => end(143));
}
