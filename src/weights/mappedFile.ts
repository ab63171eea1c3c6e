// A file read on demand, in the shape of the native addon's mapped one.
import {closeSync, fstatSync, openSync, readSync} from 'node:fs';

export interface MappedFile {
  readonly path: string;
  readonly size: number;
  bytes(offset: number, length: number): Uint8Array;
  close(): void;
}

export function mapFile(path: string): MappedFile {
  const fd = openSync(path, 'r');
  const size = fstatSync(fd).size;
  return {
    path,
    size,
    bytes(offset, length) {
      if (offset < 0 || length < 0 || offset + length > size)
        throw new RangeError(`mapFile: ${offset}+${length} of ${size}`);
      const out = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const n = readSync(fd, out, done, length - done, offset + done);
        if (n === 0) throw new RangeError('mapFile: ends early');
        done += n;
      }
      return out;
    },
    close: () => closeSync(fd),
  };
}
