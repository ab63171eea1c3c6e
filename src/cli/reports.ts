// What `emu doctor` and `emu backend list` find out of a backend or a program.
import type {Compute} from '../kernels/backend.js';

export interface BackendReport {
  readonly name: string;
  readonly available: boolean;
  /** Instruction sets of the native backend that this processor runs, weakest first. */
  readonly isas?: readonly string[];
  /** What --compute can be. */
  readonly compute?: readonly Compute[];
  /** Of TensorFlow, and what it computes on. */
  readonly version?: string;
  readonly device?: 'cpu' | 'gpu';
  /** What it could do better, and how. */
  readonly hint?: string;
  readonly reason?: string;
}

export interface ProgramReport {
  readonly available: boolean;
  readonly path?: string;
  readonly version?: string;
  readonly origin?: string;
  readonly reason?: string;
}
