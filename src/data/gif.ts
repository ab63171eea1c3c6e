// The two things about a GIF that sharp does not tell: the colour that stands for "transparent", and
// whether the file was cut off after its first frame.

export interface GifFacts {
  /** RGB of the palette entry marked transparent in the first frame; undefined: none is. */
  readonly transparentColor: readonly [number, number, number] | undefined;
  /** The file ends inside a block. */
  readonly isTruncated: boolean;
}

const TRAILER = 0x3b;
const EXTENSION = 0x21;
const IMAGE = 0x2c;
const GRAPHIC_CONTROL = 0xf9;

export function isGif(bytes: Uint8Array): boolean {
  return bytes.length >= 13 && String.fromCharCode(...bytes.subarray(0, 4)) === 'GIF8';
}

/** Length in bytes of the colour table announced by a packed field, 0 if there is none. */
function tableLength(packed: number): number {
  return packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0;
}

/** Walks the blocks (GIF89a specification, sections 15 to 27); pixels are not decoded. */
export function readGifFacts(bytes: Uint8Array): GifFacts {
  let transparentIndex: number | undefined;
  let transparentColor: GifFacts['transparentColor'];
  let frames = 0;
  const globalTable = 13;
  let at = globalTable + tableLength(bytes[10]!);

  // Sub-blocks: a length byte and that many bytes, until a length of 0.
  const skipSubBlocks = () => {
    while (at < bytes.length && bytes[at] !== 0) at += bytes[at]! + 1;
    at += 1;
  };

  while (at < bytes.length && bytes[at] !== TRAILER) {
    const kind = bytes[at];
    if (kind === EXTENSION) {
      if (frames === 0 && bytes[at + 1] === GRAPHIC_CONTROL && (bytes[at + 3]! & 1) === 1) {
        transparentIndex = bytes[at + 6];
      }
      at += 2;
      skipSubBlocks();
    } else if (kind === IMAGE) {
      const packed = bytes[at + 9] ?? 0;
      const local = tableLength(packed);
      if (frames === 0 && transparentIndex !== undefined) {
        const entry = (local > 0 ? at + 10 : globalTable) + 3 * transparentIndex;
        if (entry + 3 <= bytes.length) {
          transparentColor = [bytes[entry]!, bytes[entry + 1]!, bytes[entry + 2]!];
        }
      }
      frames++;
      at += 10 + local + 1; // descriptor, colour table, LZW code size
      skipSubBlocks();
    } else {
      break; // rubbish between blocks: decoders stop there and keep what they have
    }
  }
  return {transparentColor, isTruncated: at > bytes.length};
}
