// Whether a model fits, said before it is loaded.
import {readFileSync} from 'node:fs';
import {freemem} from 'node:os';
import {EmuError} from '../errors.js';

/** Bytes that this process may still take without swapping. */
export function availableMemory(): number {
  return Math.min(systemMemory(), containerMemory());
}

/** What the system can give: os.freemem() leaves out what the page cache would give back. */
function systemMemory(): number {
  try {
    const line = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
    if (line) return Number(line[1]) * 1024;
  } catch {
    // No /proc on this system.
  }
  return freemem();
}

/** What the limit of a container leaves; Infinity without one. */
function containerMemory(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  return limit > 0 ? limit - process.memoryUsage.rss() : Number.POSITIVE_INFINITY;
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;

/** Throws EmuError (memory) when `bytes` are more than there is. */
export function checkMemory(
  file: string,
  bytes: number,
  wayOut: string,
  available: number = availableMemory(),
): void {
  if (bytes <= available) return;
  throw new EmuError(
    `${file}: needs ${gigabytes(bytes)} of memory, ${gigabytes(available)} are free; ${wayOut}`,
    {code: 'out_of_memory', reason: 'memory', file},
  );
}
