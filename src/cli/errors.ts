import {stripVTControlCharacters} from 'node:util';
import {EmuError, type ExitReason} from '../errors.js';
import {clearProgress} from './progress.js';

/** Wrong usage, found while reading the command line: exit 2. */
export class UsageError extends EmuError {
  constructor(message: string, cause?: unknown) {
    super(message, {code: 'usage', reason: 'usage', cause});
  }
}

/** A fault of emu itself; its message is all a person gets without DEBUG=*. */
class InternalError extends EmuError {
  constructor(error: unknown) {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    super(`internal error: ${message}; please report it with what DEBUG=* prints`, {
      code: 'internal',
      cause: error,
    });
  }
}

interface SystemProblem {
  readonly code: string;
  readonly reason: ExitReason;
  readonly says: string;
}

/** What Node's system error codes mean to a person. */
const systemProblems: Record<string, SystemProblem> = {
  ENOENT: {code: 'no_such_file', reason: 'failed', says: 'no such file'},
  EACCES: {code: 'access_refused', reason: 'access', says: 'access refused; check its permissions'},
  EPERM: {code: 'access_refused', reason: 'access', says: 'access refused; check its permissions'},
  EROFS: {code: 'access_refused', reason: 'access', says: 'on a read-only file system'},
  EISDIR: {code: 'is_directory', reason: 'failed', says: 'is a folder; expected a file'},
  ENOTDIR: {code: 'not_directory', reason: 'failed', says: 'a part of the path is no folder'},
  ENOSPC: {code: 'disk_full', reason: 'failed', says: 'no space left on the disk'},
  EMFILE: {code: 'too_many_files', reason: 'failed', says: 'too many open files'},
  ENAMETOOLONG: {code: 'name_too_long', reason: 'failed', says: 'the file name is too long'},
  ERR_WORKER_OUT_OF_MEMORY: {
    code: 'out_of_memory',
    reason: 'memory',
    says: 'out of memory; take a smaller model or fewer --beams',
  },
};

/** Any error as an EmuError, whose exit code and JSON form are known. */
export function toEmuError(error: unknown): EmuError {
  if (error instanceof EmuError) return error;
  const {code, path, parse, oclif} = (error ?? {}) as {
    code?: string;
    path?: string;
    parse?: object;
    oclif?: object;
  };
  // What a plugin's command refuses; emu's own commands say it themselves.
  if (parse) return new UsageError(usageMessage((error as Error).message), error);
  if (oclif) return new EmuError((error as Error).message, {code: 'failed', cause: error});
  const problem = code === undefined ? undefined : systemProblems[code];
  if (!problem) return new InternalError(error);
  return new EmuError(path ? `${path}: ${problem.says}` : problem.says, {
    code: problem.code,
    reason: problem.reason,
    cause: error,
    ...(path ? {file: path} : {}),
  });
}

/** One line: no colours, no line ends, no control characters that a file name may have brought. */
export function oneLine(text: string): string {
  return (
    stripVTControlCharacters(text)
      .replace(/\s*[\r\n]+\s*/g, ' ')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
      .replace(/[\u0000-\u001f\u007f]/g, '?')
      .trim()
  );
}

/** An oclif parser's message (several lines, with a hint of its own) as one clear line. */
export function usageMessage(message: string): string {
  return oneLine(message)
    .replace(/\s*See more help with --help$/, '')
    .replace(/^The following errors? occurred:\s*/, '')
    .replace(/^Parsing (--\S+)\s+Expected (.*) but received: (.*)$/, '$1: expected $2, got $3')
    .replace(/^Missing \d+ required args?:\s*/, 'missing: ')
    .replace(/^Missing required flag (\S+)$/, 'missing: --$1')
    .replace(/^Nonexistent flags?:/, 'unknown flag')
    .replace(/\s{2,}/g, ' ');
}

/** True when the results, and so the failures, are asked for as JSON. */
export function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json');
}

/** The one-line form of an error in `--json` output. */
export function errorToJson(error: EmuError): string {
  const {code, message, file} = error;
  return JSON.stringify({error: {code, message: oneLine(message), file: file ?? null}});
}

/**
 * Tells a failure: one line on stderr, with `json` also the error object on stdout, with DEBUG=* the
 * stack. Returns the exit code.
 */
export function reportError(thrown: unknown, json: boolean): number {
  const error = toEmuError(thrown);
  clearProgress();
  if (json) process.stdout.write(`${errorToJson(error)}\n`);
  process.stderr.write(`emu: ${oneLine(error.message)}\n`);
  if (process.env.DEBUG === '*') {
    const {stack} = error.cause instanceof Error ? error.cause : error;
    process.stderr.write(`${stack}\n`);
  }
  return error.exitCode;
}
