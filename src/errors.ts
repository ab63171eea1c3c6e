/** Exit codes of the command line (docs: `emu help exit-codes`). */
export const exitCodes = {
  failed: 1,
  usage: 2,
  model: 3,
  access: 4,
  memory: 5,
  withheld: 6,
  interrupted: 130,
} as const;

export type ExitReason = keyof typeof exitCodes;

/**
 * An error a person can act on: one line that says what was attempted, what was found and the way out.
 * `code` is stable and goes into `--json`; `file` is the file it is about, if any.
 */
export class EmuError extends Error {
  readonly reason: ExitReason;
  readonly code: string;
  readonly file: string | undefined;

  constructor(
    message: string,
    options: {code: string; reason?: ExitReason; file?: string; cause?: unknown},
  ) {
    super(message, options.cause === undefined ? undefined : {cause: options.cause});
    this.name = new.target.name;
    this.code = options.code;
    this.reason = options.reason ?? 'failed';
    this.file = options.file;
  }

  get exitCode(): number {
    return exitCodes[this.reason];
  }
}

/** A file given by the user that is not what it should be (picture, video, text): exit 1. */
export class InputError extends EmuError {
  constructor(file: string, problem: string, wayOut?: string) {
    super(wayOut ? `${file}: ${problem}; ${wayOut}` : `${file}: ${problem}`, {
      code: 'bad_input',
      file,
    });
  }
}

/** A model that is missing, corrupt or of another kind: exit 3. */
export class ModelError extends EmuError {
  constructor(file: string, problem: string, wayOut?: string) {
    super(wayOut ? `${file}: ${problem}; ${wayOut}` : `${file}: ${problem}`, {
      code: 'bad_model',
      reason: 'model',
      file,
    });
  }
}
