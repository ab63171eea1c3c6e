// The directory of a zip archive, such as torch.save writes: where each entry's bytes lie in the
// file. Zip64. Nothing but headers is read. Layout: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local
// header), 4.3.12 (central), 4.3.14-16 (ends).
import {ModelError} from '../errors.js';
import type {MappedFile} from '../kernels/native/mappedFile.js';
import {printable} from './printable.js';

export interface ZipEntry {
  readonly name: string;
  /** Of the entry's first data byte, from the start of the file. */
  readonly offset: number;
  /** Of what is stored, in bytes. */
  readonly size: number;
  readonly isCompressed: boolean;
}

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_RECORD = 0x06054b50;
const ZIP64_END_RECORD = 0x06064b50;
const ZIP64_LOCATOR = 0x07064b50;
const LOCAL_HEADER_BYTES = 30;
const CENTRAL_HEADER_BYTES = 46;
const END_RECORD_BYTES = 22;
const ZIP64_END_RECORD_BYTES = 56;
const ZIP64_LOCATOR_BYTES = 20;
const MAX_COMMENT_BYTES = 0xffff;
/**
 * A directory entry takes some 70 bytes and a checkpoint has a few thousand: far beyond any real
 * one.
 */
const MAX_DIRECTORY_BYTES = 64 * 1024 * 1024;

const FLAG_ENCRYPTED = 1;
const ZIP64_EXTRA = 0x0001;

interface Directory {
  readonly offset: number;
  readonly size: number;
  readonly numEntries: number;
}

interface CentralEntry {
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly method: number; // 0: stored
  readonly size: number;
  readonly headerOffset: number;
}

/** Reads the directory. Throws ModelError for anything that is not a whole, plain archive. */
export function readZip(file: MappedFile): Map<string, ZipEntry> {
  const directory = findDirectory(file);
  const central = readDirectory(file, directory);
  const entries = new Map<string, ZipEntry>();
  // In file order, so that two entries on the same bytes are seen.
  const inOrder = [...central].sort((a, b) => a.headerOffset - b.headerOffset);
  let end = 0;
  for (const entry of inOrder) {
    const {name, method, size, headerOffset} = entry;
    if (headerOffset < end) throw damaged(file, `entry ${quote(name)} overlaps another`);
    if (entries.has(name)) throw damaged(file, `two entries are named ${quote(name)}`);
    const offset = readLocalHeader(file, entry, directory.offset);
    end = offset + size;
    if (end > directory.offset) {
      throw damaged(file, `entry ${quote(name)} reaches beyond the directory`);
    }
    entries.set(name, {name, offset, size, isCompressed: method !== 0});
  }
  return entries;
}

function damaged(file: MappedFile, problem: string): ModelError {
  return new ModelError(
    file.path,
    `damaged zip archive: ${problem}`,
    'compare its size and checksum with the original, or download it again',
  );
}

function quote(name: string): string {
  return `"${printable(name)}"`;
}

/** The 8-byte little-endian number at `offset`, or undefined beyond 2^53. */
function uint64(view: DataView, offset: number): number | undefined {
  const value = view.getUint32(offset + 4, true) * 2 ** 32 + view.getUint32(offset, true);
  return Number.isSafeInteger(value) ? value : undefined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function findDirectory(file: MappedFile): Directory {
  const tailSize = Math.min(file.size, END_RECORD_BYTES + MAX_COMMENT_BYTES);
  const tailStart = file.size - tailSize;
  const tail = viewOf(file.bytes(tailStart, tailSize));
  for (let at = tailSize - END_RECORD_BYTES; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END_RECORD) continue;
    if (at + END_RECORD_BYTES + tail.getUint16(at + 20, true) !== tailSize) continue;
    return readEnd(file, tailStart + at, tail, at);
  }
  throw new ModelError(
    file.path,
    `the zip archive has no directory at its end (${file.size} bytes): the file is cut off`,
    'the download or copy did not finish; fetch it again',
  );
}

function readEnd(file: MappedFile, endOffset: number, tail: DataView, at: number): Directory {
  const locatorOffset = endOffset - ZIP64_LOCATOR_BYTES;
  const locator =
    locatorOffset >= 0 ? viewOf(file.bytes(locatorOffset, ZIP64_LOCATOR_BYTES)) : undefined;
  let directory: {offset: number | undefined; size: number | undefined; count: number | undefined};
  let limit = endOffset;
  let disks = tail.getUint16(at + 4, true) + tail.getUint16(at + 6, true);
  if (locator?.getUint32(0, true) === ZIP64_LOCATOR) {
    const recordOffset = uint64(locator, 8);
    if (recordOffset === undefined || recordOffset + ZIP64_END_RECORD_BYTES > locatorOffset) {
      throw damaged(file, 'its zip64 end record lies outside the file');
    }
    const record = viewOf(file.bytes(recordOffset, ZIP64_END_RECORD_BYTES));
    if (record.getUint32(0, true) !== ZIP64_END_RECORD) {
      throw damaged(file, 'its zip64 end record has no signature');
    }
    disks = record.getUint32(16, true) + record.getUint32(20, true);
    directory = {count: uint64(record, 32), size: uint64(record, 40), offset: uint64(record, 48)};
    limit = recordOffset;
  } else {
    directory = {
      count: tail.getUint16(at + 10, true),
      size: tail.getUint32(at + 12, true),
      offset: tail.getUint32(at + 16, true),
    };
  }
  if (disks !== 0) throw damaged(file, 'it says that it is split into several volumes');
  const {offset, size, count} = directory;
  if (offset === undefined || size === undefined || count === undefined || offset + size > limit) {
    throw damaged(file, 'its directory lies outside the file');
  }
  if (size > MAX_DIRECTORY_BYTES) {
    throw damaged(file, `its directory takes ${size} bytes, more than ${MAX_DIRECTORY_BYTES}`);
  }
  if (count * CENTRAL_HEADER_BYTES > size) {
    throw damaged(file, `its directory of ${size} bytes cannot hold ${count} entries`);
  }
  return {offset, size, numEntries: count};
}

function readDirectory(file: MappedFile, directory: Directory): CentralEntry[] {
  const bytes = file.bytes(directory.offset, directory.size);
  const view = viewOf(bytes);
  const decoder = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});
  const entries: CentralEntry[] = [];
  let at = 0;
  for (let index = 0; index < directory.numEntries; index++) {
    if (at + CENTRAL_HEADER_BYTES > bytes.length || view.getUint32(at, true) !== CENTRAL_HEADER) {
      throw damaged(file, `directory entry ${index} of ${directory.numEntries} is broken`);
    }
    const nameEnd = at + CENTRAL_HEADER_BYTES + view.getUint16(at + 28, true);
    const extraEnd = nameEnd + view.getUint16(at + 30, true);
    const next = extraEnd + view.getUint16(at + 32, true);
    if (next > bytes.length) throw damaged(file, `directory entry ${index} is cut off`);
    const nameBytes = bytes.subarray(at + CENTRAL_HEADER_BYTES, nameEnd);
    let name: string;
    try {
      name = decoder.decode(nameBytes);
    } catch {
      throw damaged(file, `the name of entry ${index} is not UTF-8`);
    }
    if (view.getUint16(at + 8, true) & FLAG_ENCRYPTED) {
      throw new ModelError(file.path, `zip entry ${quote(name)} is encrypted`);
    }
    const method = view.getUint16(at + 10, true);
    const fields = readSizes(view, at, nameEnd, extraEnd);
    if (!fields) throw damaged(file, `the sizes of entry ${quote(name)} are broken`);
    if (method === 0 && fields.size !== fields.storedSize) {
      throw damaged(file, `entry ${quote(name)} is stored, but in two different sizes`);
    }
    const {storedSize, headerOffset} = fields;
    entries.push({name, nameBytes, method, size: storedSize, headerOffset});
    at = next;
  }
  return entries;
}

/**
 * Sizes and header offset of a central entry; a field of all ones stands in the zip64 extra field.
 */
function readSizes(
  view: DataView,
  at: number,
  extraStart: number,
  extraEnd: number,
): {size: number; storedSize: number; headerOffset: number} | undefined {
  let storedSize: number | undefined = view.getUint32(at + 20, true);
  let size: number | undefined = view.getUint32(at + 24, true);
  let headerOffset: number | undefined = view.getUint32(at + 42, true);
  for (let extra = extraStart; extra + 4 <= extraEnd; ) {
    const end = extra + 4 + view.getUint16(extra + 2, true);
    if (end > extraEnd) return undefined;
    if (view.getUint16(extra, true) === ZIP64_EXTRA) {
      let field = extra + 4;
      const next = (): number | undefined => {
        field += 8;
        return field <= end ? uint64(view, field - 8) : undefined;
      };
      if (size === 0xffffffff) size = next();
      if (storedSize === 0xffffffff) storedSize = next();
      if (headerOffset === 0xffffffff) headerOffset = next();
    }
    extra = end;
  }
  if (size === undefined || storedSize === undefined || headerOffset === undefined)
    return undefined;
  return {size, storedSize, headerOffset};
}

/** Checks the entry's own header and returns where its data starts. */
function readLocalHeader(file: MappedFile, entry: CentralEntry, limit: number): number {
  const {name, nameBytes, headerOffset} = entry;
  const headerEnd = headerOffset + LOCAL_HEADER_BYTES + nameBytes.length;
  if (headerEnd > limit)
    throw damaged(file, `the header of entry ${quote(name)} is not in the file`);
  const bytes = file.bytes(headerOffset, headerEnd - headerOffset);
  const view = viewOf(bytes);
  const sameName =
    view.getUint16(26, true) === nameBytes.length &&
    nameBytes.every((byte, index) => byte === bytes[LOCAL_HEADER_BYTES + index]);
  if (
    view.getUint32(0, true) !== LOCAL_HEADER ||
    !sameName ||
    view.getUint16(8, true) !== entry.method
  ) {
    throw damaged(file, `the header of entry ${quote(name)} does not agree with the directory`);
  }
  return headerEnd + view.getUint16(28, true); // the extra field, which pads the data to 64 bytes
}
