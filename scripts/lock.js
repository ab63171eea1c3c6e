// A lock between processes: a file that holds its owner's process id. Used while a clone is set up.
import {mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync} from 'node:fs';
import path from 'node:path';

const POLL_MS = 100;
// An owner of another machine (a shared folder) can't be asked whether it lives: its time must do.
const ABANDONED_MS = 30 * 60 * 1000;

/** What stands in the lock and how old it is, or undefined when nobody holds it. */
function read(file) {
  try {
    return {owner: readFileSync(file, 'utf8'), age: Date.now() - statSync(file).mtimeMs};
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function isStale({owner, age}) {
  const pid = Number(owner);
  // Empty: its owner has created it and is about to write.
  if (!Number.isInteger(pid) || pid <= 0) return age > 10_000;
  return age > ABANDONED_MS || !isAlive(pid);
}

/** Takes a dead owner's lock away, unless somebody else did so first and holds it by now. */
function removeStale(file, seen) {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  const moved = readFileSync(aside, 'utf8');
  if (moved === seen.owner) rmSync(aside);
  else renameSync(aside, file);
}

function tryAcquire(file) {
  try {
    writeFileSync(file, String(process.pid), {flag: 'wx'});
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Runs `work` while holding the lock `file`; `say` tells once that another process is waited for. */
export async function withLock(file, say, work) {
  mkdirSync(path.dirname(file), {recursive: true});
  let told = false;
  while (!tryAcquire(file)) {
    const held = read(file);
    if (!held) continue;
    if (isStale(held)) {
      removeStale(file, held);
      continue;
    }
    if (!told) say(`another emu (process ${held.owner}) is setting up this clone; waiting for it`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const release = () => rmSync(file, {force: true});
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}
