// Runs ffmpeg: where it is, and two ways to start it behind one function type, `RunFfmpeg`.
// `runFfmpeg` (child_process) is the one used: fluent-ffmpeg is archived, says of itself that it no longer
// works with recent versions of ffmpeg, and starts ffmpeg twice more to list formats and encoders.
// fluentFfmpeg.ts is the other; both pass the same tests.
import {spawn} from 'node:child_process';
import {accessSync, chmodSync, constants, statSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import {EmuError} from '../errors.js';

export interface FfmpegLocation {
  readonly path: string;
  readonly origin: 'FFMPEG_PATH' | 'PATH' | '@ffmpeg-installer/ffmpeg';
}

export interface FfmpegJob {
  /** Path of an existing file. */
  readonly input: string;
  readonly inputOptions: readonly string[];
  /** All but the output itself, which is the pipe that `onData` gets. */
  readonly outputOptions: readonly string[];
  /** Called with each piece of the output; what it throws ends the job. */
  readonly onData: (chunk: Buffer) => void;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface FfmpegEnd {
  readonly isOk: boolean;
  /** The last 64 KB of what ffmpeg said. */
  readonly stderr: string;
}

/**
 * Runs one job to its end; no ffmpeg is left running when it settles.
 * @throws FfmpegTimeout, the signal's reason, or what `onData` threw
 */
export type RunFfmpeg = (ffmpeg: string, job: FfmpegJob) => Promise<FfmpegEnd>;

export class FfmpegTimeout extends EmuError {
  constructor(timeoutMs: number) {
    super(`ffmpeg: took longer than ${timeoutMs / 1000} s`, {code: 'ffmpeg_timeout'});
  }
}

// Never asks, never overwrites anything, reads only local files whatever a playlist may name.
export const globalOptions = ['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'info'] as const;
export const protocolOptions = ['-protocol_whitelist', 'file,pipe'] as const;

const STDERR_BYTES = 64 * 1024;

/** Keeps the end of a text that may be long. */
export class Tail {
  private text = '';

  add(chunk: Buffer | string): void {
    this.text = (this.text + chunk.toString()).slice(-STDERR_BYTES);
  }

  toString(): string {
    return this.text;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function packagedFfmpeg(): string | undefined {
  try {
    const installer = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg');
    return (installer as {path: string}).path;
  } catch {
    return undefined; // not installed, or not made for this machine
  }
}

const wayOut = 'install ffmpeg (Debian: apt-get install ffmpeg) or set FFMPEG_PATH';

/**
 * FFMPEG_PATH, else ffmpeg of the PATH, else the packaged one.
 * @throws EmuError `no_ffmpeg` with the way out
 */
export function findFfmpeg(
  env: NodeJS.ProcessEnv = process.env,
  packaged: string | undefined = packagedFfmpeg(),
): FfmpegLocation {
  const chosen = env.FFMPEG_PATH;
  if (chosen) {
    if (isExecutable(chosen)) return {path: chosen, origin: 'FFMPEG_PATH'};
    throw new EmuError(`ffmpeg: FFMPEG_PATH is ${chosen}, which is no program; ${wayOut}`, {
      code: 'no_ffmpeg',
      file: chosen,
    });
  }
  const name = process.platform === 'win32' ? 'ffmpeg.exe' : 'ffmpeg';
  for (const folder of (env.PATH ?? '').split(path.delimiter)) {
    const file = path.join(folder, name);
    if (folder && isExecutable(file)) return {path: file, origin: 'PATH'};
  }
  if (!packaged) {
    throw new EmuError(`ffmpeg: not in PATH and not packaged for this machine; ${wayOut}`, {
      code: 'no_ffmpeg',
    });
  }
  // npm does not run the install script that would make it executable.
  if (!isExecutable(packaged)) {
    try {
      chmodSync(packaged, 0o755);
    } catch (error) {
      const {code} = error as NodeJS.ErrnoException;
      throw new EmuError(
        `ffmpeg: ${packaged} is not executable and that cannot be changed (${code}); ${wayOut}`,
        {code: 'no_ffmpeg', file: packaged, cause: error},
      );
    }
  }
  return {path: packaged, origin: '@ffmpeg-installer/ffmpeg'};
}

/** `RunFfmpeg` with child_process. */
export const runFfmpeg: RunFfmpeg = (ffmpeg, job) =>
  new Promise((resolve, reject) => {
    job.signal?.throwIfAborted();
    const args = [
      ...[...globalOptions, ...protocolOptions, ...job.inputOptions],
      ...['-i', `file:${job.input}`, ...job.outputOptions, 'pipe:1'],
    ];
    const child = spawn(ffmpeg, args, {stdio: ['ignore', 'pipe', 'pipe']});
    const stderr = new Tail();
    let failure: {error: unknown} | undefined;
    const fail = (error: unknown) => {
      failure ??= {error};
      child.kill('SIGKILL');
    };
    const onAbort = () => fail(job.signal?.reason);
    const onExit = () => child.kill('SIGKILL');
    const timer = setTimeout(() => fail(new FfmpegTimeout(job.timeoutMs)), job.timeoutMs);
    job.signal?.addEventListener('abort', onAbort, {once: true});
    process.once('exit', onExit);

    child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
    child.stdout.on('data', (chunk: Buffer) => {
      if (failure) return;
      try {
        job.onData(chunk);
      } catch (error) {
        fail(error);
      }
    });
    child.on('error', (error) => {
      failure ??= {
        error: new EmuError(`ffmpeg: ${ffmpeg} does not start (${error.message}); ${wayOut}`, {
          code: 'no_ffmpeg',
          file: ffmpeg,
          cause: error,
        }),
      };
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      job.signal?.removeEventListener('abort', onAbort);
      process.removeListener('exit', onExit);
      if (failure) reject(failure.error);
      else resolve({isOk: code === 0, stderr: stderr.toString()});
    });
  });
