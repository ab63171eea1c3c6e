import {spawn} from 'node:child_process';

/** A step that cannot go on: one line that says why and the way out. */
export class SmokeError extends Error {
  override readonly name = 'SmokeError';
}

export interface Result {
  /** Exit status; undefined when the program could not be started or a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; its output is kept, not shown. */
export function run(
  command: string,
  args: readonly string[],
  options: {cwd?: string; env?: NodeJS.ProcessEnv} = {},
): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {...options, stdio: ['ignore', 'pipe', 'pipe']});
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

/** As run(), but a failure is a SmokeError: `problem` and what the program said last. */
export async function runOrFail(
  problem: string,
  command: string,
  args: readonly string[],
  options: {cwd?: string; env?: NodeJS.ProcessEnv} = {},
): Promise<string> {
  const {status, stdout, stderr} = await run(command, args, options);
  if (status === 0) return stdout;
  const lines = (stderr || stdout).trim().split('\n');
  const said = lines.find((line) => /error/i.test(line)) ?? lines.at(-1);
  throw new SmokeError(`${problem} (${path(command)}: ${said?.trim() || `exit code ${status}`})`);
}

const path = (command: string) => command.slice(command.lastIndexOf('/') + 1);
