// What a file is, by its first bytes and never by its name.

/** `image`: sharp reads it; `video`: ffmpeg may; `unknown`: neither is likely. */
export type MediaKind = 'image' | 'video' | 'unknown';

/** How many bytes `mediaKind` looks at. */
export const MEDIA_HEAD_BYTES = 4096;

const latin1 = (head: Uint8Array, from: number, to: number) =>
  Buffer.from(head.subarray(from, to)).toString('latin1');

const hex = (head: Uint8Array, length: number) =>
  Buffer.from(head.subarray(0, length)).toString('hex');

/** ISO base media files: AVIF is a picture, the other brands are films. */
function isoKind(head: Uint8Array): MediaKind {
  const size = Math.min(Buffer.from(head).readUInt32BE(0), head.length);
  const brands = latin1(head, 8, size);
  return /avif|avis|mif1|msf1|heic|heix/.test(brands) ? 'image' : 'video';
}

export function mediaKind(head: Uint8Array): MediaKind {
  if (head.length < 4) return 'unknown';
  const start = hex(head, 8);
  if (start.startsWith('ffd8ff') || start.startsWith('89504e47')) return 'image';
  if (latin1(head, 0, 4) === 'GIF8') return 'image';
  if (/^(49492a00|4d4d002a|49492b00|4d4d002b)/.test(start)) return 'image'; // TIFF, BigTIFF
  const container = latin1(head, 0, 4);
  if (container === 'RIFF') {
    const form = latin1(head, 8, 12);
    return form === 'WEBP' ? 'image' : form === 'AVI ' ? 'video' : 'unknown';
  }
  const box = latin1(head, 4, 8);
  if (box === 'ftyp') return isoKind(head);
  if (/^(moov|mdat|wide|free|skip)$/.test(box)) return 'video'; // old QuickTime
  if (start.startsWith('1a45dfa3')) return 'video'; // Matroska, WebM
  if (container === 'OggS' || latin1(head, 0, 3) === 'FLV') return 'video';
  if (/^000001(ba|b3|b0|b5)/.test(start)) return 'video'; // MPEG
  if (start === '3026b2758e66cf11') return 'video'; // ASF, WMV
  if (head[0] === 0x47 && head[188] === 0x47) return 'video'; // MPEG transport stream
  const text = latin1(head, 0, MEDIA_HEAD_BYTES);
  if (/<svg[\s>]/.test(text) || start.startsWith('1f8b')) return 'image'; // SVG, gzipped SVG
  return 'unknown';
}
