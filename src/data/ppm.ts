// Binary PPM pictures one after another, as ffmpeg pipes them: the form that says its own size.
import type {Picture} from './picture.js';

const HEADER = /^P6\s(\d+)\s(\d+)\s255\s/;
const LONGEST_HEADER = 64;

export interface PpmHandlers {
  /** Called before memory is taken for a picture; may throw. */
  onSize(width: number, height: number): void;
  onPicture(picture: Picture): void;
}

/** Takes the stream in pieces of any length. */
export class PpmReader {
  private head = Buffer.alloc(0);
  private picture: Picture | undefined;
  private filled = 0;

  constructor(private readonly handlers: PpmHandlers) {}

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (!this.picture) rest = this.readHeader(rest);
      else rest = this.readPixels(rest, this.picture);
    }
  }

  private readHeader(chunk: Buffer): Buffer {
    const before = this.head.length;
    this.head = Buffer.concat([this.head, chunk.subarray(0, LONGEST_HEADER - before)]);
    const match = HEADER.exec(this.head.toString('latin1'));
    if (!match) {
      if (this.head.length >= LONGEST_HEADER) throw new Error('ffmpeg: expected a PPM header');
      return Buffer.alloc(0);
    }
    const [header, width, height] = [match[0], Number(match[1]), Number(match[2])];
    this.handlers.onSize(width, height);
    this.picture = {width, height, data: new Uint8Array(width * height * 3)};
    this.filled = 0;
    this.head = Buffer.alloc(0);
    return chunk.subarray(header.length - before);
  }

  private readPixels(chunk: Buffer, picture: Picture): Buffer {
    const {data} = picture;
    const length = Math.min(chunk.length, data.length - this.filled);
    data.set(chunk.subarray(0, length), this.filled);
    this.filled += length;
    if (this.filled === data.length) {
      this.picture = undefined;
      this.handlers.onPicture(picture);
    }
    return chunk.subarray(length);
  }
}
