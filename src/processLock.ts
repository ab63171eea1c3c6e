// One process at a time works in a folder: a file names the one that does. What a killed process leaves is told
// from a living one's by the process id and, where the system tells it, its start.
import {linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {hostname} from 'node:os';
import {InputError} from './errors.js';
import {temporaryFile} from './weights/writeWhole.js';

/** A process of another machine cannot be asked whether it lives: it counts for so long after its last sign. */
const FOREIGN_MS = 30 * 60 * 1000;

export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** When the process began, in the system's own words: a new process may get an old one's id. */
  readonly started: string;
}

/** Since the machine's start, in its own unit, with the machine's start; '' where no system file tells it. */
function startOf(pid: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the name stands in brackets and may hold anything; field 22 is the 20th after it.
    return `${boot} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return '';
  }
}

function isAlive({pid, started}: LockOwner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return startOf(pid) === started;
}

/** Who holds the lock and how long ago it gave a sign; undefined: nobody. */
function read(file: string): {text: string; owner: LockOwner; age: number} | undefined {
  try {
    const text = readFileSync(file, 'utf8');
    return {text, owner: JSON.parse(text) as LockOwner, age: Date.now() - statSync(file).mtimeMs};
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new InputError(file, 'is no lock of emu', 'delete it if no other emu works there');
  }
}

/** Puts the lock there complete, or not at all when there is one. */
function tryPut(file: string, text: string): boolean {
  const own = temporaryFile(file);
  writeFileSync(own, text);
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    // ENOENT: its owner has just tidied up the folder.
    if (['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code!)) return false;
    // A file system without links.
    renameSync(own, file);
    return true;
  } finally {
    rmSync(own, {force: true});
  }
}

/** Takes a dead owner's lock away, unless somebody else did so first and holds it by now. */
function removeStale(file: string, seen: string): void {
  const aside = temporaryFile(file);
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (readFileSync(aside, 'utf8') !== seen) tryPut(file, readFileSync(aside, 'utf8'));
  rmSync(aside, {force: true});
}

/**
 * Takes the lock `file` for this process; returns what gives it back. Throws what `refused` gives when a living
 * process has it, or one of another machine may.
 */
export function takeLock(
  file: string,
  refused: (owner: LockOwner, isForeign: boolean) => Error,
): () => void {
  const owner: LockOwner = {pid: process.pid, host: hostname(), started: startOf(process.pid)};
  const text = JSON.stringify(owner);
  while (!tryPut(file, text)) {
    const held = read(file);
    if (!held) continue;
    const isForeign = held.owner.host !== owner.host;
    if (isForeign ? held.age < FOREIGN_MS : isAlive(held.owner))
      throw refused(held.owner, isForeign);
    removeStale(file, held.text);
  }
  return () => rmSync(file, {force: true});
}
