// Errors between threads: what structured cloning would lose of an EmuError is carried along.
import {EmuError, type ExitReason} from './errors.js';

/** An error as it crosses the thread boundary. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | undefined;
  readonly reason: ExitReason | undefined;
  readonly file: string | undefined;
  readonly path: string | undefined;
}

export function toWire(thrown: unknown): WireError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const {code, path} = error as {code?: string; path?: string};
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    code,
    reason: error instanceof EmuError ? error.reason : undefined,
    file: error instanceof EmuError ? error.file : undefined,
    path,
  };
}

/** A worker's error: an EmuError again if it was one, else with what Node knows of it. */
export function fromWire(error: WireError): Error {
  const {name, message, stack, code, reason, file, path} = error;
  const revived =
    code !== undefined && reason !== undefined
      ? new EmuError(message, {code, reason, ...(file === undefined ? {} : {file})})
      : Object.assign(new Error(message), {code, path});
  revived.name = name;
  if (stack !== undefined) revived.stack = stack;
  return revived;
}
