// Runs bin/emu as a person would: in a process of its own.
import {
  type ChildProcessByStdio,
  type ChildProcessWithoutNullStreams,
  spawn,
} from 'node:child_process';
import path from 'node:path';
import type {Readable, Writable} from 'node:stream';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const fixture = (name: string) => path.join(root, 'fixtures', name);

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly stdin?: Uint8Array;
  /** Runs as this user. */
  readonly uid?: number;
}

/**
 * No settings of the person who tests: neither variables nor the configuration file. EMU_HOME stays: there lies
 * the backend tensorflow, which a test has found installed.
 */
export function cleanEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^EMU_(?!HOME$)|^HF_|^HUGGINGFACE_|^DEBUG$|^NO_COLOR$|^FORCE_COLOR$|^NODE_OPTIONS$/.test(
        name,
      ),
  );
  return {...Object.fromEntries(kept), XDG_CONFIG_HOME: path.join(root, 'test', 'cli'), ...extra};
}

export function startEmu(
  args: readonly string[],
  options: RunOptions = {},
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [path.join(root, 'bin', 'emu'), ...args], {
    cwd: options.cwd ?? root,
    env: cleanEnvironment(options.env),
    ...(options.uid === undefined ? {} : {uid: options.uid, gid: options.uid}),
  });
}

/** Waits for a started emu to end. */
export function finished(
  child: ChildProcessByStdio<Writable | null, Readable, Readable>,
): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({code, stdout, stderr}));
  });
}

export function runEmu(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = startEmu(args, options);
  // An emu that ends before it has read its input closes the pipe.
  child.stdin.on('error', () => {});
  child.stdin.end(options.stdin);
  return finished(child);
}

/** A failure as a person wants it: the exit code, one line on stderr, no stack, nothing on stdout. */
export function assertFailure({code, stdout, stderr}: Ended, exitCode: number, says: RegExp): void {
  assert.is(code, exitCode, stderr);
  assert.match(stderr, says);
  assert.match(stderr, /^emu: [^\n]+\n$/, 'expected one line on stderr');
  assert.not.match(stderr, /\n\s+at /);
  assert.is(stdout, '');
}
