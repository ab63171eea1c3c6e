// What the child process (parity.ts) tells the smoke test, one message at a time.

export interface Loaded {
  readonly kind: 'loaded';
  readonly version: string;
  readonly device: string;
  readonly seconds: number;
}

/** One test file of test/kernels, run with TensorFlow as its only variant. */
export interface FileResult {
  readonly kind: 'file';
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  readonly output: string;
  /** Comparisons on TensorFlow with the cpu backend, and the largest difference; 0 when none. */
  readonly values: Errors;
  readonly gradients: Errors;
}

export interface Errors {
  readonly count: number;
  readonly largest: number;
}

/** A check that is no test file. */
export interface Check {
  readonly kind: 'check';
  readonly name: string;
  readonly passed: boolean;
  readonly found: string;
}

/** The best time of one call of an op on so little data that the way there counts. */
export interface Dispatch {
  readonly kind: 'dispatch';
  readonly op: string;
  readonly microseconds: number;
}

export type Message = Loaded | FileResult | Check | Dispatch | {readonly kind: 'done'};
