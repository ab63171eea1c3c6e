// Writes the zip archives of torch.save: entries stored uncompressed, data on 64-byte boundaries,
// zip64 where sizes ask for it. Layout: see zip.ts; the padding is that of PyTorch's
// PyTorchStreamWriter.
import {crc32} from '../crc32.js';
import {writeAll} from './writeWhole.js';

/** PyTorch's own, so that a mapped storage starts on a cache line. */
const ALIGNMENT = 64;
const MAX_UINT32 = 0xffffffff;
const FLAG_UTF8 = 0x0800;
const VERSION_ZIP64 = 45;
const PADDING_EXTRA = 0x4246; // "FB", as PyTorch names it

interface WrittenEntry {
  readonly name: Buffer;
  readonly size: number;
  readonly crc: number;
  readonly headerOffset: number;
}

export class ZipWriter {
  private readonly entries: WrittenEntry[] = [];
  private position = 0;

  constructor(private readonly fd: number) {}

  add(name: string, data: Uint8Array): void {
    this.skip(name, data.length, crc32(data));
    writeAll(this.fd, data, this.position - data.length);
  }

  /**
   * An entry whose `size` data bytes are left unwritten: zeros, and no blocks where the disk knows
   * holes.
   */
  skip(name: string, size: number, crc: number): void {
    const nameBytes = Buffer.from(name);
    const zip64 = size >= MAX_UINT32 ? zip64Extra([size, size]) : Buffer.alloc(0);
    const unpadded = this.position + 30 + nameBytes.length + zip64.length + 4;
    const padding = Buffer.alloc(4 + ((ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT));
    padding.writeUInt16LE(PADDING_EXTRA, 0);
    padding.writeUInt16LE(padding.length - 4, 2);

    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(VERSION_ZIP64, 4);
    header.writeUInt16LE(FLAG_UTF8, 6);
    header.writeUInt32LE(crc, 14);
    header.writeUInt32LE(Math.min(size, MAX_UINT32), 18);
    header.writeUInt32LE(Math.min(size, MAX_UINT32), 22);
    header.writeUInt16LE(nameBytes.length, 26);
    header.writeUInt16LE(zip64.length + padding.length, 28);
    const bytes = Buffer.concat([header, nameBytes, zip64, padding]);
    writeAll(this.fd, bytes, this.position);
    this.entries.push({name: nameBytes, size, crc, headerOffset: this.position});
    this.position += bytes.length + size;
  }

  /** Writes the directory, always with zip64 ends, as PyTorch does. */
  finish(): void {
    const directory = Buffer.concat(this.entries.map(centralHeader));
    const count = this.entries.length;
    const end64 = Buffer.alloc(56);
    end64.writeUInt32LE(0x06064b50, 0);
    end64.writeBigUInt64LE(44n, 4); // bytes of this record after this field
    end64.writeUInt16LE(VERSION_ZIP64, 12);
    end64.writeUInt16LE(VERSION_ZIP64, 14);
    end64.writeBigUInt64LE(BigInt(count), 24);
    end64.writeBigUInt64LE(BigInt(count), 32);
    end64.writeBigUInt64LE(BigInt(directory.length), 40);
    end64.writeBigUInt64LE(BigInt(this.position), 48);
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(0x07064b50, 0);
    locator.writeBigUInt64LE(BigInt(this.position + directory.length), 8);
    locator.writeUInt32LE(1, 16);
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt16LE(Math.min(count, 0xffff), 8);
    end.writeUInt16LE(Math.min(count, 0xffff), 10);
    end.writeUInt32LE(Math.min(directory.length, MAX_UINT32), 12);
    end.writeUInt32LE(Math.min(this.position, MAX_UINT32), 16);
    writeAll(this.fd, Buffer.concat([directory, end64, locator, end]), this.position);
  }
}

function centralHeader({name, size, crc, headerOffset}: WrittenEntry): Buffer {
  const large: number[] = [];
  if (size >= MAX_UINT32) large.push(size, size);
  if (headerOffset >= MAX_UINT32) large.push(headerOffset);
  const extra = large.length > 0 ? zip64Extra(large) : Buffer.alloc(0);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(VERSION_ZIP64, 4);
  header.writeUInt16LE(VERSION_ZIP64, 6);
  header.writeUInt16LE(FLAG_UTF8, 8);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(Math.min(size, MAX_UINT32), 20);
  header.writeUInt32LE(Math.min(size, MAX_UINT32), 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(extra.length, 30);
  header.writeUInt32LE(Math.min(headerOffset, MAX_UINT32), 42);
  return Buffer.concat([header, name, extra]);
}

function zip64Extra(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * values.length);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(8 * values.length, 2);
  for (const [index, value] of values.entries()) {
    extra.writeBigUInt64LE(BigInt(value), 4 + 8 * index);
  }
  return extra;
}
