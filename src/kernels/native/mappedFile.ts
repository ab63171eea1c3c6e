import {closeSync, fstatSync, openSync, readSync} from 'node:fs';
import {EmuError} from '../../errors.js';
import {type Addon, loadAddon, type Mapping} from './addon.js';

/** A file whose bytes are read where they lie. */
export interface MappedFile {
  readonly path: string;
  /** In bytes, when it was opened. */
  readonly size: number;
  /**
   * A region of the file: with the addon a read-only view of its mapped pages (writing to it crashes),
   * valid even after close(); without it a copy read now. Throws EmuError when it is not inside the file.
   */
  bytes(offset: number, length: number): Uint8Array;
  /** Has the system read a region ahead, without waiting. */
  prefetch(offset: number, length: number): void;
  close(): void;
}

/** Opens a file for reading in place. Throws EmuError when it cannot be read. */
export function mapFile(path: string): MappedFile {
  const addon = loadAddon();
  try {
    return addon ? new MemoryMappedFile(path, addon) : new ReadFile(path);
  } catch (error) {
    throw new EmuError((error as Error).message, {code: 'unreadable', file: path, cause: error});
  }
}

/** Node's largest read at once. */
const MAX_READ_BYTES = 2 ** 30;

function checkRegion(file: MappedFile, offset: number, length: number): void {
  const isInside =
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    offset + length <= file.size;
  if (isInside) return;
  throw new EmuError(
    `${file.path}: expected a region inside its ${file.size} bytes, got ${length} bytes at ${offset}`,
    {code: 'bad_region', file: file.path},
  );
}

class MemoryMappedFile implements MappedFile {
  readonly size: number;
  private readonly mapping: Mapping;

  constructor(
    readonly path: string,
    private readonly addon: Addon,
  ) {
    this.mapping = addon.mapOpen(path);
    this.size = addon.mapSize(this.mapping);
  }

  bytes(offset: number, length: number): Uint8Array {
    checkRegion(this, offset, length);
    if (length === 0) return new Uint8Array(0);
    return new Uint8Array(this.addon.mapRegion(this.mapping, offset, length));
  }

  prefetch(offset: number, length: number): void {
    checkRegion(this, offset, length);
    this.addon.mapPrefetch(this.mapping, offset, length);
  }

  close(): void {
    this.addon.mapClose(this.mapping);
  }
}

class ReadFile implements MappedFile {
  readonly size: number;
  private readonly descriptor: number;

  constructor(readonly path: string) {
    this.descriptor = openSync(path, 'r');
    this.size = fstatSync(this.descriptor).size;
  }

  bytes(offset: number, length: number): Uint8Array {
    checkRegion(this, offset, length);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const wanted = Math.min(MAX_READ_BYTES, length - done);
      const count = readSync(this.descriptor, bytes, done, wanted, offset + done);
      if (count === 0) {
        throw new EmuError(`${this.path}: ended at byte ${offset + done}; it was truncated`, {
          code: 'unreadable',
          file: this.path,
        });
      }
      done += count;
    }
    return bytes;
  }

  prefetch(): void {
    // Nothing to do: bytes() reads.
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
