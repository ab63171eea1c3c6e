// A file on its way: its bytes where they belong in one file, and beside it how much of each chunk is there, so
// that what was fetched is fetched once, however the program ends.
import {type FileHandle, open, readdir, rm} from 'node:fs/promises';
import path from 'node:path';

/** Ours alone: other tools would take a file with holes for the beginning of one. */
export const INCOMPLETE = '.emu.incomplete';
const MARKS = '.emu.parts';
const MAGIC = 'emuparts';
const HEADER_BYTES = 32;
const MARK_BYTES = 4;
const LARGEST_CHUNK = 32 * 2 ** 20;
const SMALLEST_CHUNK = 2 ** 20;

/**
 * Bytes that are asked for at once, of a file of `size`: several chunks for each connection, but neither so
 * small that asking takes the time, nor so large that a connection that is slow holds up the end.
 */
export function chunkBytesFor(size: number, connections: number): number {
  const share = Math.ceil(size / (4 * connections) / SMALLEST_CHUNK) * SMALLEST_CHUNK;
  return Math.min(LARGEST_CHUNK, Math.max(SMALLEST_CHUNK, share));
}

/** Where the marks of an unfinished file stand. */
export function marksFile(file: string): string {
  return (file.endsWith(INCOMPLETE) ? file.slice(0, -INCOMPLETE.length) : file) + MARKS;
}

export interface Chunk {
  readonly index: number;
  /** Its first byte in the file, and the one after its last. */
  readonly start: number;
  readonly end: number;
}

export class Parts {
  private readonly taken = new Set<number>();

  private constructor(
    private readonly data: FileHandle,
    private readonly marks: FileHandle,
    readonly size: number,
    readonly chunkBytes: number,
    /** Of each chunk the bytes from its start on that are there. */
    private readonly done: Uint32Array,
  ) {}

  /** Goes on with what lies at `file`, or begins it where nothing fitting does. */
  static async open(file: string, size: number, connections: number): Promise<Parts> {
    const data = await openOrCreate(file);
    let marks: FileHandle | undefined;
    try {
      marks = await openOrCreate(marksFile(file));
      const known = await readMarks(marks, size);
      if (known && (await data.stat()).size === size)
        return new Parts(data, marks, size, known.chunkBytes, known.done);
      const chunkBytes = chunkBytesFor(size, connections);
      const done = new Uint32Array(Math.ceil(size / chunkBytes));
      await data.truncate(size);
      await writeMarks(marks, size, chunkBytes, done);
      return new Parts(data, marks, size, chunkBytes, done);
    } catch (error) {
      await data.close();
      await marks?.close();
      throw error;
    }
  }

  /** How many bytes of an unfinished file are there, and of how many; undefined without its marks. */
  static async progress(file: string): Promise<{done: number; size: number} | undefined> {
    let marks: FileHandle;
    try {
      marks = await open(marksFile(file), 'r');
    } catch {
      return undefined;
    }
    try {
      const known = await readMarks(marks);
      return known && {done: sum(known.done), size: known.size};
    } finally {
      await marks.close();
    }
  }

  get bytesDone(): number {
    return sum(this.done);
  }

  /** Up to here all bytes are there. */
  get firstMissing(): number {
    const index = this.done.findIndex((_, i) => !this.isWhole(this.chunk(i)));
    return index < 0 ? this.size : this.missingFrom(this.chunk(index));
  }

  chunk(index: number): Chunk {
    const start = index * this.chunkBytes;
    return {index, start, end: Math.min(this.size, start + this.chunkBytes)};
  }

  /** The first byte of a chunk that is missing. */
  missingFrom({index, start}: Chunk): number {
    return start + this.done[index]!;
  }

  isWhole(chunk: Chunk): boolean {
    return this.missingFrom(chunk) === chunk.end;
  }

  /** A chunk of which bytes are missing and nobody fetches them; it is the caller's from now on. */
  take(): Chunk | undefined {
    for (let index = 0; index < this.done.length; index++) {
      const chunk = this.chunk(index);
      if (this.taken.has(index) || this.isWhole(chunk)) continue;
      this.taken.add(index);
      return chunk;
    }
    return undefined;
  }

  /** Writes bytes that follow those that are there, or lie among them, and marks them as there. */
  async write(position: number, bytes: Uint8Array): Promise<void> {
    await writeFully(this.data, bytes, position);
    for (let at = position; at < position + bytes.length; ) {
      const chunk = this.chunk(Math.floor(at / this.chunkBytes));
      const end = Math.min(chunk.end, position + bytes.length);
      if (end > this.missingFrom(chunk)) {
        this.done[chunk.index] = end - chunk.start;
        const mark = Buffer.alloc(MARK_BYTES);
        mark.writeUInt32LE(this.done[chunk.index]!);
        await writeFully(this.marks, mark, HEADER_BYTES + MARK_BYTES * chunk.index);
      }
      at = end;
    }
  }

  /** Has the bytes on the disk before anything else says that they are there. */
  async flush(): Promise<void> {
    await this.data.sync();
  }

  async close(): Promise<void> {
    await this.data.close();
    await this.marks.close();
  }
}

/** Takes an unfinished file and its marks away. */
export async function removeParts(file: string): Promise<void> {
  // The marks first: without them the bytes count for nothing.
  await rm(marksFile(file), {force: true});
  await rm(file, {force: true});
}

/** The unfinished files in a folder: how many bytes are there, and of how many. */
export async function unfinished(folder: string): Promise<{done: number; size: number}[]> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => name.endsWith(INCOMPLETE));
  const all = await Promise.all(files.map((name) => Parts.progress(path.join(folder, name))));
  return all.filter((progress) => progress !== undefined);
}

function sum(done: Uint32Array): number {
  return done.reduce((total, bytes) => total + bytes, 0);
}

async function openOrCreate(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return open(file, 'w+');
  }
}

async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const {bytesWritten} = await handle.write(
      bytes,
      written,
      bytes.length - written,
      position + written,
    );
    written += bytesWritten;
  }
}

async function writeMarks(
  marks: FileHandle,
  size: number,
  chunkBytes: number,
  done: Uint32Array,
): Promise<void> {
  const bytes = Buffer.alloc(HEADER_BYTES + MARK_BYTES * done.length);
  bytes.write(MAGIC, 'latin1');
  bytes.writeBigUInt64LE(BigInt(size), 8);
  bytes.writeUInt32LE(chunkBytes, 16);
  await marks.truncate(0);
  await writeFully(marks, bytes, 0);
}

/** The marks of a file (of `size` bytes, if given), or undefined for what is none of them. */
async function readMarks(
  marks: FileHandle,
  expectedSize?: number,
): Promise<{size: number; chunkBytes: number; done: Uint32Array} | undefined> {
  const bytes = await marks.readFile();
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, 8) !== MAGIC) return undefined;
  const size = Number(bytes.readBigUInt64LE(8));
  const chunkBytes = bytes.readUInt32LE(16);
  if (chunkBytes === 0 || chunkBytes > LARGEST_CHUNK) return undefined;
  if (expectedSize !== undefined && size !== expectedSize) return undefined;
  const numChunks = Math.ceil(size / chunkBytes);
  if (bytes.length !== HEADER_BYTES + MARK_BYTES * numChunks) return undefined;
  const done = Uint32Array.from({length: numChunks}, (_, i) =>
    bytes.readUInt32LE(HEADER_BYTES + MARK_BYTES * i),
  );
  const fits = done.every((count, i) => count <= Math.min(chunkBytes, size - i * chunkBytes));
  return fits ? {size, chunkBytes, done} : undefined;
}
