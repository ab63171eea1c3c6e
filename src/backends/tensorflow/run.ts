import {type ChildProcess, spawn} from 'node:child_process';
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
  /** Where the program keeps its temporary files. */
  readonly temporary?: string;
  /** Ends the program, and what it has started. */
  readonly signal?: AbortSignal;
}

/** Runs a program to its end; its output is kept, not shown. */
export function run(
  command: string,
  args: readonly string[],
  {cwd, temporary, signal}: RunOptions = {},
): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: {...process.env, ...(temporary ? {TMPDIR: temporary} : {})},
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own: Ctrl-C reaches emu alone, which ends all of the group.
      detached: true,
    });
    const stop = () => killGroup(child);
    signal?.addEventListener('abort', stop);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('error', (error) => resolve({status: undefined, stdout, stderr: error.message}));
    child.on('close', (code) => {
      signal?.removeEventListener('abort', stop);
      resolve({status: code ?? undefined, stdout, stderr});
    });
    if (signal?.aborted) stop();
  });
}

function killGroup({pid}: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** What the messages of pip, npm, Maven and compilers have in common, and the way out. */
const causes: readonly [RegExp, string][] = [
  [
    /no space left|ENOSPC|disk quota|EDQUOT/i,
    'the disk is full; make room or set EMU_HOME elsewhere',
  ],
  [
    /name resolution|unknown host|getaddrinfo|ENOTFOUND|EAI_AGAIN|network is unreachable|ENETUNREACH|connection refused|ECONNREFUSED|ECONNRESET|ETIMEDOUT|timed out|NewConnectionError|ProxyError|could not transfer/i,
    'no network: its package index cannot be reached; check the connection and its settings',
  ],
  [
    /EINTEGRITY|do not match the hashes/i,
    'what it was given has not the pinned hash; nothing of it was used, run this again',
  ],
];

/** A line of TensorFlow's log, such as "E0000 00:00:1795712720.661151    9895 cuda_platform.cc:52] text". */
export const tensorflowLine = /^[IWEF]\d{4} [^\]]*\] (.*)/;

/** As run(), but a failure is an InstallError: `problem`, and the cause or what the program said. */
export async function runOrFail(
  problem: string,
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Result> {
  const result = await run(command, args, options);
  const {status, stdout, stderr} = result;
  if (status === 0) return result;
  const output = `${stderr}\n${stdout}`;
  const known = causes.find(([pattern]) => pattern.test(output))?.[1];
  const lines = (stderr.trim() || stdout.trim())
    .split('\n')
    .filter((line) => !tensorflowLine.test(line));
  const said = lines.find((line) => /error/i.test(line)) ?? lines.at(-1);
  const why =
    known ?? (said?.trim() || (status === undefined ? 'it was killed' : `exit code ${status}`));
  throw new InstallError(`${problem} (${path.basename(command)}: ${why})`, new Error(output));
}
