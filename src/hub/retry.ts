// When to ask again: later and later, at random so that many that wait do not come back at once, and not for
// ever.
import {randomInt} from 'node:crypto';
import {setTimeout as sleep} from 'node:timers/promises';
import {RequestProblem} from './request.js';

export interface RetryPolicy {
  /** Tries after the first, counted anew whenever one got somewhere. */
  readonly retries: number;
  /** Milliseconds before the second try; each one after waits twice as long. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** A server that asks for more patience than that is given up. */
  readonly longestPatienceMs: number;
}

export const defaultPolicy: RetryPolicy = {
  retries: 6,
  firstWaitMs: 500,
  longestWaitMs: 30_000,
  longestPatienceMs: 300_000,
};

export type OnRetry = (problem: string, waitMs: number) => void;

export class Retry {
  private failures = 0;

  constructor(
    private readonly policy: RetryPolicy,
    private readonly signal: AbortSignal,
    private readonly onRetry: OnRetry,
  ) {}

  /** Waits before the next try. Throws `error` itself when there is to be none. */
  async after(error: unknown, gotSomewhere: boolean): Promise<void> {
    if (gotSomewhere) this.failures = 0;
    if (!(error instanceof RequestProblem) || !error.isTemporary) throw error;
    if (++this.failures > this.policy.retries) throw error;
    const wait = this.waitMs(error);
    if (wait > this.policy.longestPatienceMs) throw error;
    this.onRetry(error.message, wait);
    await sleep(wait, undefined, {signal: this.signal}).catch(() => this.signal.throwIfAborted());
  }

  private waitMs({retryAfterMs}: RequestProblem): number {
    const {firstWaitMs, longestWaitMs} = this.policy;
    const wait = Math.min(longestWaitMs, firstWaitMs * 2 ** (this.failures - 1));
    const jittered = Math.ceil(wait / 2) + randomInt(Math.ceil(wait / 2) + 1);
    return retryAfterMs === undefined ? jittered : Math.max(retryAfterMs, 1) + randomInt(250);
  }
}

/** Runs `run` until it succeeds or its failure is final. */
export async function retrying<T>(retry: Retry, run: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run();
    } catch (error) {
      await retry.after(error, false);
    }
  }
}
