import {spawn} from 'node:child_process';
import path from 'node:path';
import {EmuError} from '../../errors.js';

/** A step of an installation that cannot go on: one line that says why and the way out. */
export class InstallError extends EmuError {
  constructor(message: string, cause?: unknown) {
    super(message, {code: 'install_failed', cause});
  }
}

export interface Result {
  /** Exit status; undefined when the program could not be started or a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the program. */
  readonly signal?: AbortSignal;
}

/** Runs a program to its end; its output is kept, not shown. */
export function run(
  command: string,
  args: readonly string[],
  {env, ...options}: RunOptions = {},
): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      ...options,
      env: {...process.env, ...env},
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('error', (error) => resolve({status: undefined, stdout, stderr: error.message}));
    child.on('close', (code) => resolve({status: code ?? undefined, stdout, stderr}));
  });
}

/** What the messages of pip, npm, Maven and compilers have in common, and the way out. */
const causes: readonly [RegExp, string][] = [
  [/no space left|ENOSPC|disk quota/i, 'the disk is full; make room or set EMU_HOME elsewhere'],
  [
    /name resolution|unknown host|getaddrinfo|ENOTFOUND|EAI_AGAIN|network is unreachable|ENETUNREACH|connection refused|ECONNREFUSED|ECONNRESET|ETIMEDOUT|timed out|NewConnectionError|ProxyError|could not transfer/i,
    'no network: its package index cannot be reached; check the connection and its settings',
  ],
];

/** As run(), but a failure is an InstallError: `problem`, and the cause or what the program said. */
export async function runOrFail(
  problem: string,
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const {status, stdout, stderr} = await run(command, args, options);
  if (status === 0) return stdout;
  const output = `${stderr}\n${stdout}`;
  const known = causes.find(([pattern]) => pattern.test(output))?.[1];
  const lines = (stderr || stdout).trim().split('\n');
  const said = lines.find((line) => /error/i.test(line)) ?? lines.at(-1);
  const why = known ?? (said?.trim() || `exit code ${status}`);
  throw new InstallError(`${problem} (${path.basename(command)}: ${why})`, new Error(output));
}
