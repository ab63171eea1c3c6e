// Files that are complete or absent.
import {randomBytes} from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import {EmuError} from '../errors.js';

/**
 * Writes `file` through a temporary one in the same folder, flushed to the disk before it gets its
 * name, so that a reader sees the old file, the new one or none. `write` gets the open file; what
 * it throws leaves nothing behind. Other failures (no space, no permission) are EmuErrors.
 */
export function writeWhole(file: string, write: (fd: number) => void): void {
  const temporary = temporaryFile(file);
  let fd: number | undefined;
  let isCreated = false;
  try {
    fd = openSync(temporary, 'wx');
    isCreated = true;
    write(fd);
    fsyncSync(fd);
    closeSync(fd);
    fd = undefined;
    renameSync(temporary, file);
    syncFolder(path.dirname(temporary));
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    if (isCreated) rmSync(temporary, {force: true});
    throw writeFailure(file, error);
  }
}

function writeFailure(file: string, error: unknown): unknown {
  if (error instanceof EmuError || !isSystemError(error)) return error;
  return new EmuError(`writing ${file}: ${describe(error)}`, {
    code: 'write_failed',
    file,
    reason: error.code === 'EACCES' || error.code === 'EPERM' ? 'access' : 'failed',
    cause: error,
  });
}

/** Throws what `writeWhole` would throw for a file that cannot be written, before the work for it is done. */
export function checkWritable(file: string): void {
  if (statSync(file, {throwIfNoEntry: false})?.isDirectory())
    throw new EmuError(`writing ${file}: is a folder; name a file`, {code: 'write_failed', file});
  const probe = temporaryFile(file);
  try {
    closeSync(openSync(probe, 'wx'));
    rmSync(probe);
  } catch (error) {
    throw writeFailure(file, error);
  }
}

/** A new name beside `file` for what is to become it. */
export function temporaryFile(file: string): string {
  const {folder, prefix} = temporaryNames(file);
  return path.join(folder, `${prefix}${randomBytes(4).toString('hex')}.tmp`);
}

/** Copies `file` so that the copy is complete or absent. */
export function copyWhole(file: string, copy: string): void {
  const temporary = temporaryFile(copy);
  try {
    copyFileSync(file, temporary);
    renameSync(temporary, copy);
  } finally {
    rmSync(temporary, {force: true});
  }
}

/** The same file under another name where the file system can, else a copy; nothing where there is one. */
export function linkOrCopy(file: string, copy: string): void {
  if (existsSync(copy)) return;
  try {
    linkSync(file, copy);
  } catch {
    copyWhole(file, copy);
  }
}

/** How this process names its temporary files for `file`. */
function temporaryNames(file: string): {folder: string; prefix: string} {
  const folder = path.dirname(path.resolve(file));
  return {folder, prefix: `.${path.basename(file)}.${process.pid}-`};
}

/** Removes what a thread of this process that was stopped while it wrote `file` has left behind. */
export function removeTemporaries(file: string): void {
  const {folder, prefix} = temporaryNames(file);
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    if (name.startsWith(prefix)) rmSync(path.join(folder, name), {recursive: true, force: true});
  }
}

/**
 * Writes all of `bytes`, at `position` or where the last write ended; writeSync alone may write
 * less.
 */
export function writeAll(fd: number, bytes: Uint8Array, position?: number): void {
  for (let done = 0; done < bytes.length; ) {
    const length = Math.min(bytes.length - done, 2 ** 30);
    done += writeSync(fd, bytes, done, length, position === undefined ? null : position + done);
  }
}

/** Writes a text file, complete or not at all. */
export function writeText(file: string, text: string): void {
  writeWhole(file, (fd) => writeAll(fd, Buffer.from(text)));
}

/** Makes the rename itself last; not every file system lets a folder be opened. */
function syncFolder(folder: string): void {
  try {
    const fd = openSync(folder, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & {code: string} {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string';
}

function describe(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOSPC':
      return 'the disk is full';
    case 'ENOENT':
      return 'its folder does not exist';
    case 'EACCES':
    case 'EPERM':
      return 'not permitted';
    default:
      return error.message;
  }
}
