// PNG files that carry texts about themselves: sharp writes the pixels, and has no way to these chunks
// (PNG specification, third edition, 11.3.3).
import sharp from 'sharp';
import {crc32} from '../crc32.js';
import type {Picture} from './picture.js';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Length and kind stand before a chunk's data, a checksum after it. */
const HEADER_BYTES = 8;
const CHECKSUM_BYTES = 4;
const MAX_TEXT_BYTES = 2 ** 20;

export type PngTexts = Readonly<Record<string, string>>;

/** The picture as a PNG file with those texts in it, each under its keyword. The same input, the same bytes. */
export async function encodePng(
  {width, height, data}: Picture,
  texts: PngTexts = {},
): Promise<Buffer> {
  const raw = {width, height, channels: 3 as const};
  const png = await sharp(data, {raw}).png({compressionLevel: 9}).toBuffer();
  const chunks = Object.entries(texts).map(([keyword, text]) => textChunk(keyword, text));
  // Right after IHDR, the first chunk, so that readers see them before the pixels.
  const end = SIGNATURE.length + HEADER_BYTES + png.readUInt32BE(SIGNATURE.length) + CHECKSUM_BYTES;
  return Buffer.concat([png.subarray(0, end), ...chunks, png.subarray(end)]);
}

/** tEXt where Latin-1 has all characters, as every program reads, else iTXt. */
function textChunk(keyword: string, text: string): Buffer {
  const isLatin = /^[\n\x20-\x7e\xa0-\xff]*$/.test(text);
  if (isLatin) return chunk('tEXt', Buffer.from(`${keyword}\0${text}`, 'latin1'));
  // Not compressed; no language, no translated keyword.
  return chunk('iTXt', Buffer.from(`${keyword}\0\0\0\0\0${text}`, 'utf8'));
}

function chunk(kind: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(kind, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const checksum = Buffer.alloc(CHECKSUM_BYTES);
  checksum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, checksum]);
}

/** The texts of a PNG file; undefined for other files. A damaged end is not an error here. */
export function readPngTexts(file: Uint8Array): PngTexts | undefined {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (!bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE)) return undefined;
  const texts: Record<string, string> = {};
  for (let at = SIGNATURE.length; at + HEADER_BYTES <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const kind = bytes.toString('latin1', at + 4, at + HEADER_BYTES);
    const from = at + HEADER_BYTES;
    const data = bytes.subarray(from, from + length);
    at = from + length + CHECKSUM_BYTES;
    if (data.length < length || length > MAX_TEXT_BYTES) continue;
    const end = data.indexOf(0);
    if (end < 1) continue;
    const keyword = data.toString('latin1', 0, end);
    if (kind === 'tEXt') texts[keyword] = data.toString('latin1', end + 1);
    // Two flags, a language, a translated keyword; compressed ones are not ours.
    if (kind === 'iTXt' && data[end + 1] === 0) {
      const language = data.indexOf(0, end + 3);
      const translated = language < 0 ? -1 : data.indexOf(0, language + 1);
      if (translated >= 0) texts[keyword] = data.toString('utf8', translated + 1);
    }
  }
  return texts;
}
