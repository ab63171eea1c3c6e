// Whether a file's bytes are those that its hash says.
import {createHash} from 'node:crypto';
import {open} from 'node:fs/promises';

const BLOCK_BYTES = 4 * 2 ** 20;

/** How a hash is made: SHA-256 of the bytes, or git's SHA-1 of a blob, told by its length. */
export function hashKind(hash: string): 'sha256' | 'git' {
  return hash.length === 64 ? 'sha256' : 'git';
}

/** A file's hash as the hub states it, read a block at a time. */
export async function hashFile(
  file: string,
  kind: 'sha256' | 'git',
  onBytes: (count: number) => void = () => {},
): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const hash = createHash(kind === 'git' ? 'sha1' : 'sha256');
    if (kind === 'git') hash.update(`blob ${(await handle.stat()).size}\0`);
    const block = Buffer.allocUnsafe(BLOCK_BYTES);
    for (;;) {
      const {bytesRead} = await handle.read(block, 0, block.length, null);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(block.subarray(0, bytesRead));
      onBytes(bytesRead);
    }
  } finally {
    await handle.close();
  }
}
