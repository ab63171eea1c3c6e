// Where the files in a tar archive lie: only the 512-byte headers are read. POSIX ustar, and the two ways
// to write names that do not fit (GNU `L` and pax `x` members).
import {closeSync, fstatSync, openSync, readSync} from 'node:fs';
import {InputError} from '../../errors.js';
import {printable} from '../../weights/printable.js';
import {fileProblem} from '../source.js';

export interface TarMember {
  readonly name: string;
  /** Of the content, in bytes from the archive's start. */
  readonly offset: number;
  readonly size: number;
}

const BLOCK = 512;
// A caption comes with the header after it in one read; pictures are leapt over.
const WINDOW = 4096;
const MAX_NAME_BYTES = 1e6;

/**
 * The regular files of an archive in their order. Names are only compared, never used as paths.
 * @throws InputError when it is no tar file, is compressed, damaged or cut off
 */
export function* tarMembers(file: string): Generator<TarMember> {
  const archive = new Archive(file);
  try {
    let at = 0;
    let longName: string | undefined;
    for (;;) {
      const header = archive.read(at, BLOCK);
      if (!header) throw archive.cutOff(at, 'its end mark is missing');
      if (header[0] === 0 && header.every((byte) => byte === 0)) return;
      archive.checkHeader(header, at);
      const size = archive.number(header, 124, at);
      const offset = at + BLOCK;
      at = offset + Math.ceil(size / BLOCK) * BLOCK;
      const type = String.fromCharCode(header[156]!);
      if (type === 'L' || type === 'x') {
        if (size > MAX_NAME_BYTES) throw new InputError(file, `has a name of ${size} bytes`);
        const content = archive.read(offset, size);
        if (!content) throw archive.cutOff(offset, 'a name is incomplete');
        longName = (type === 'L' ? text(content) : paxPath(content)) ?? longName;
        continue;
      }
      const name = longName ?? shortName(header);
      longName = undefined;
      if (type !== '0' && type !== '\0') continue; // folders, links, notes of other programs
      if (offset + size > archive.size)
        throw archive.cutOff(offset, `${printable(name)} is incomplete`);
      yield {name, offset, size};
    }
  } finally {
    archive.close();
  }
}

class Archive {
  /** In bytes. */
  readonly size: number;
  private readonly descriptor: number;
  private window: Buffer = Buffer.alloc(0);
  private windowStart = 0;

  constructor(private readonly file: string) {
    try {
      this.descriptor = openSync(file, 'r');
      this.size = fstatSync(this.descriptor).size;
    } catch (error) {
      throw fileProblem(file, error);
    }
  }

  /** undefined where the file ends before. */
  read(start: number, length: number): Buffer | undefined {
    const from = start - this.windowStart;
    if (from < 0 || from + length > this.window.length) {
      const buffer = Buffer.alloc(Math.max(WINDOW, length));
      this.window = buffer.subarray(0, this.fill(buffer, start));
      this.windowStart = start;
    }
    const at = start - this.windowStart;
    return at + length <= this.window.length ? this.window.subarray(at, at + length) : undefined;
  }

  private fill(buffer: Buffer, start: number): number {
    let done = 0;
    try {
      while (done < buffer.length) {
        const got = readSync(this.descriptor, buffer, done, buffer.length - done, start + done);
        if (got === 0) break;
        done += got;
      }
    } catch (error) {
      throw fileProblem(this.file, error);
    }
    return done;
  }

  checkHeader(header: Buffer, at: number): void {
    if (at === 0 && header[0] === 0x1f && header[1] === 0x8b)
      throw new InputError(this.file, 'is compressed', 'unpack it with gunzip');
    // The checksum counts its own field as spaces.
    let sum = 8 * 0x20;
    for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += header[i]!;
    if (sum === this.number(header, 148, at)) return;
    if (at === 0) throw new InputError(this.file, 'is no tar file');
    throw new InputError(this.file, `is damaged at byte ${at}`, 'get the file again');
  }

  /** A number of 8 or 12 bytes: octal digits, or base 256 marked by the first bit. */
  number(header: Buffer, at: number, headerStart: number): number {
    const field = header.subarray(at, at + (at === 124 ? 12 : 8));
    if (field[0]! & 0x80) return field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    const digits = field
      .toString('latin1')
      .replace(/[\0 ]+$/, '')
      .trimStart();
    if (!/^[0-7]*$/.test(digits)) {
      if (headerStart === 0) throw new InputError(this.file, 'is no tar file');
      throw new InputError(this.file, `is damaged at byte ${headerStart}`, 'get the file again');
    }
    return Number.parseInt(digits || '0', 8);
  }

  cutOff(at: number, detail: string): InputError {
    return new InputError(this.file, `is cut off at byte ${at}: ${detail}`, 'get the file again');
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/** Up to the first NUL. */
function text(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

function shortName(header: Buffer): string {
  const name = text(header.subarray(0, 100));
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0'; // GNU's own magic has no prefix
  const prefix = isUstar ? text(header.subarray(345, 500)) : '';
  return prefix ? `${prefix}/${name}` : name;
}

/** `path` of a pax header: lines "LENGTH key=value\n", the length counting the whole line. */
function paxPath(content: Buffer): string | undefined {
  let found: string | undefined;
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const length = Number(content.toString('latin1', at, space));
    if (space < 0 || !(length > 0)) break;
    const line = content.toString('utf8', space + 1, at + length - 1);
    if (line.startsWith('path=')) found = line.slice('path='.length);
    at += length;
  }
  return found;
}
