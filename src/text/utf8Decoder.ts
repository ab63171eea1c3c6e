// UTF-8 as SentencePiece decodes it: every byte that starts no valid character becomes one U+FFFD.
// (TextDecoder gives one U+FFFD for a whole cut-off character.)

const REPLACEMENT = '\ufffd';

/** Bytes one at a time; holds back what may still become a character. */
export class Utf8Decoder {
  private pending: number[] = [];

  /** The text that `byte` makes certain. */
  push(byte: number): string {
    this.pending.push(byte);
    return this.drain(false);
  }

  /** What is left when no byte follows. */
  flush(): string {
    return this.pending.length > 0 ? this.drain(true) : '';
  }

  private drain(atEnd: boolean): string {
    let out = '';
    while (this.pending.length > 0) {
      const length = characterLength(this.pending);
      if (length === undefined && !atEnd) break;
      if (length === undefined || length === 0) {
        out += REPLACEMENT;
        this.pending.shift();
        continue;
      }
      out += Buffer.from(this.pending.splice(0, length)).toString('utf8');
    }
    return out;
  }
}

/** Bytes of the character that starts here; 0: none does; undefined: it depends on bytes to come. */
function characterLength(bytes: readonly number[]): number | undefined {
  const first = bytes[0]!;
  if (first < 0x80) return 1;
  // Well-formed sequences: The Unicode Standard, table 3-7.
  const length =
    first >= 0xc2 && first <= 0xdf
      ? 2
      : first >= 0xe0 && first <= 0xef
        ? 3
        : first >= 0xf0 && first <= 0xf4
          ? 4
          : 0;
  for (let i = 1; i < length; i++) {
    const byte = bytes[i];
    if (byte === undefined) return undefined;
    const lowest = i > 1 ? 0x80 : first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const highest = i > 1 ? 0xbf : first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    if (byte < lowest || byte > highest) return 0;
  }
  return length;
}
