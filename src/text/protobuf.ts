// The few things of the protobuf wire format that a SentencePiece model file uses
// (https://protobuf.dev/programming-guides/encoding).

export class ProtobufError extends Error {}

/**
 * Calls `visit` for the fields of the message at [start, end) in the order they stand: with the value
 * of a number, or with the place and length of bytes (length is -1 for a number).
 * Throws ProtobufError where the bytes end early.
 */
export function readFields(
  bytes: Buffer,
  start: number,
  end: number,
  visit: (field: number, value: number, length: number) => void,
): void {
  let at = start;
  const take = (length: number): number => {
    const taken = at;
    if (length > end - at)
      throw new ProtobufError(`needs ${length} bytes at ${at}, has ${end - at}`);
    at += length;
    return taken;
  };
  // Enough for field numbers, lengths and enums; a negative int32 (ten bytes) loses its high bits.
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[take(1)]!;
      if (shift < 49) value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new ProtobufError(`a number at ${at} does not end`);
  };
  while (at < end) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        visit(field, varint(), -1);
        break;
      case 1:
        visit(field, bytes.readDoubleLE(take(8)), -1);
        break;
      case 2: {
        const length = varint();
        visit(field, take(length), length);
        break;
      }
      case 5:
        visit(field, bytes.readFloatLE(take(4)), -1);
        break;
      default:
        throw new ProtobufError(`unknown wire type ${tag % 8} at ${at}`);
    }
  }
}
