// The files in a zip archive, such as a Python wheel, read where the archive lies.
import {inflateRawSync} from 'node:zlib';
import {EmuError, InputError} from '../errors.js';
import {mapFile} from '../kernels/native/mappedFile.js';
import {readZip, type ZipEntry} from '../weights/zip.js';

/** Largest file that is unpacked. */
const MAX_BYTES = 256 * 1024 * 1024;

export class ZipFile {
  private readonly entries: ReadonlyMap<string, ZipEntry>;
  private readonly bytes: (offset: number, length: number) => Uint8Array;

  /** Throws InputError where it is no whole archive. */
  constructor(readonly file: string) {
    try {
      const mapped = mapFile(file);
      this.entries = readZip(mapped);
      this.bytes = (offset, length) => mapped.bytes(offset, length);
    } catch (error) {
      if (!(error instanceof EmuError)) throw error;
      throw new InputError(file, `is no zip archive that can be read`, 'download it again');
    }
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** Throws InputError where there is no such file, or it is damaged. */
  read(name: string): Uint8Array {
    const entry = this.entries.get(name);
    if (!entry) throw new InputError(this.file, `holds no ${name}`, 'is it the right archive?');
    const stored = this.bytes(entry.offset, entry.size);
    if (!entry.isCompressed) return stored;
    try {
      return inflateRawSync(stored, {maxOutputLength: MAX_BYTES});
    } catch {
      throw new InputError(this.file, `its ${name} is damaged`, 'download it again');
    }
  }
}
