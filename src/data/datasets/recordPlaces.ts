// Finds the records of a file without keeping their text: one pass over its bytes.
import {readSync} from 'node:fs';
import {InputError} from '../../errors.js';

/** Where each record lies, in bytes, and which line or item it is, counted from 1. */
export interface Places {
  readonly starts: number[];
  readonly lengths: number[];
  readonly numbers: number[];
}

const CHUNK = 1 << 20;
const NEWLINE = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_RECORD = 0x7b;
const CLOSE_RECORD = 0x7d;

const isSpace = (byte: number) =>
  byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === NEWLINE;

/** The file's bytes piece by piece, each with its place. The buffer is used again. */
function* chunks(descriptor: number): Generator<{bytes: Buffer; start: number}> {
  const buffer = Buffer.alloc(CHUNK);
  for (let start = 0; ; ) {
    const got = readSync(descriptor, buffer, 0, CHUNK, start);
    if (got === 0) return;
    yield {bytes: buffer.subarray(0, got), start};
    start += got;
  }
}

/** The lines that are not blank. */
export function placesOfLines(descriptor: number): Places {
  const places: Places = {starts: [], lengths: [], numbers: []};
  let lineStart = 0;
  let number = 1;
  let isBlank = true;
  const endLine = (end: number) => {
    if (!isBlank) {
      places.starts.push(lineStart);
      places.lengths.push(end - lineStart);
      places.numbers.push(number);
    }
    lineStart = end + 1;
    number++;
    isBlank = true;
  };
  let end = 0;
  for (const {bytes, start} of chunks(descriptor)) {
    let at = start === 0 && bytes.toString('hex', 0, 3) === 'efbbbf' ? 3 : 0;
    if (at > 0) lineStart = at; // the byte order mark is no part of the first record
    while (at < bytes.length) {
      const newline = bytes.indexOf(NEWLINE, at);
      const stop = newline < 0 ? bytes.length : newline;
      for (let i = at; isBlank && i < stop; i++) isBlank = isSpace(bytes[i]!);
      if (newline >= 0) endLine(start + newline);
      at = stop + 1;
    }
    end = start + bytes.length;
  }
  endLine(end);
  return places;
}

/**
 * The items of a JSON list.
 * @throws InputError when the list does not end
 */
export function placesOfItems(file: string, descriptor: number): Places {
  const places: Places = {starts: [], lengths: [], numbers: []};
  let depth = 0;
  let inString = false;
  let isEscaped = false;
  let itemStart = 0;
  let isBlank = true;
  const endItem = (end: number) => {
    if (isBlank) return;
    places.starts.push(itemStart);
    places.lengths.push(end - itemStart);
    places.numbers.push(places.starts.length);
    isBlank = true;
  };
  for (const {bytes, start} of chunks(descriptor)) {
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      if (inString) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) inString = false;
        continue;
      }
      if (depth === 1 && (byte === COMMA || byte === CLOSE_LIST)) {
        endItem(start + i);
        if (byte === CLOSE_LIST) return places;
        itemStart = start + i + 1;
        continue;
      }
      if (depth === 0) {
        // What stands before the list: spaces, a byte order mark.
        if (byte === OPEN_LIST) {
          depth = 1;
          itemStart = start + i + 1;
        }
        continue;
      }
      if (isBlank) isBlank = isSpace(byte);
      if (byte === QUOTE) inString = true;
      else if (byte === OPEN_LIST || byte === OPEN_RECORD) depth++;
      else if (byte === CLOSE_LIST || byte === CLOSE_RECORD) depth--;
    }
  }
  throw new InputError(file, 'is cut off: its list does not end', 'get the file again');
}
