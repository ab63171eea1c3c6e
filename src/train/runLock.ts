// One process at a time trains in a run's folder.
import path from 'node:path';
import {InputError} from '../errors.js';
import {takeLock} from '../processLock.js';

export const LOCK = 'run.lock';

/**
 * Takes the folder for this process; returns what gives it back. Throws InputError when a living process
 * has it.
 */
export function lockRun(folder: string): () => void {
  return takeLock(path.join(folder, LOCK), ({pid, host}, isForeign) => {
    const who = `process ${pid}${isForeign ? ` of ${host}` : ''}`;
    const wayOut = isForeign
      ? `if it has ended, delete ${LOCK} there`
      : 'wait for it, end it or name another --out';
    return new InputError(folder, `${who} trains in it`, wayOut);
  });
}
