// The messages between a loader and its threads (loader.ts, loaderWorker.ts).
import type {WireError} from '../../wireError.js';
import type {StepBatch} from './batchMaker.js';

export interface LoaderRequest {
  readonly step: number;
}

/** A source as it was opened. */
export interface SourceInfo {
  readonly name: string;
  /** Samples of an epoch; Infinity where they are composed on the fly. */
  readonly size: number;
}

export type LoaderReply =
  | {readonly sources: readonly SourceInfo[]}
  /** The sources could not be opened. */
  | {readonly error: WireError; readonly step?: never}
  | {readonly step: number; readonly made: StepBatch}
  | {readonly step: number; readonly error: WireError};
