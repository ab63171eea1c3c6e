import {open} from 'node:fs/promises';
import {InputError} from '../../errors.js';
import {fileProblem} from '../source.js';

/**
 * `length` bytes of a file from `start` on.
 * @throws InputError when the file is gone or shorter
 */
export async function readByteRange(file: string, start: number, length: number): Promise<Buffer> {
  const handle = await open(file).catch((error) => {
    throw fileProblem(file, error);
  });
  try {
    const bytes = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const {bytesRead} = await handle.read(bytes, done, length - done, start + done);
      if (bytesRead === 0) throw new InputError(file, 'became shorter while it was in use');
      done += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}
