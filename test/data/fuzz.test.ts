// Damaged pictures end in an InputError or in a picture: 1,000 seeded mutations each of a PNG and a
// JPEG. Bounds: 5 s a picture, and 400 MB for the whole process with pictures of at most 4 megapixels
// (4 MP of RGBA at 16 bits are 32 MB; the rest is Node, tsx and what the decoders keep).
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {readImage} from '../../src/data/image.js';
import {InputError} from '../../src/errors.js';
import {fixtureBytes} from './fixtures.js';

const MUTATIONS = 1000;
const MAX_PIXELS = 4e6;
const MAX_MILLISECONDS = 5000;
const MAX_MEMORY = 400e6;

const test = suite('damaged pictures');

/** mulberry32: numbers in [0, 1). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const crcTable = Uint32Array.from({length: 256}, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Makes the check sums of a PNG right again, so that damage gets past them to the decoder. */
function repairChecksums(png: Buffer): void {
  let at = 8;
  while (at + 12 <= png.length) {
    const end = at + 8 + png.readUInt32BE(at);
    if (end + 4 > png.length) return;
    png.writeUInt32BE(crc32(png.subarray(at + 4, end)), end);
    at = end + 4;
  }
}

/** Flips bytes, cuts, doubles, removes or swaps pieces. Half of the damage hits the first 200 bytes. */
function mutate(original: Uint8Array, next: () => number): Buffer {
  let bytes: Buffer = Buffer.from(original);
  const below = (limit: number) => Math.floor(next() * limit);
  const place = () => below(next() < 0.5 ? Math.min(200, bytes.length) : bytes.length);
  const edits: (() => void)[] = [
    () => {
      bytes[place()] = below(256);
    },
    () => {
      const at = place();
      bytes[at] = bytes[at]! ^ (1 << below(8));
    },
    () => {
      const at = place();
      bytes.fill([0, 255, 127][below(3)]!, at, Math.min(at + below(40), bytes.length));
    },
    () => {
      bytes = bytes.subarray(0, place() + 1);
    },
    () => {
      const [at, length] = [place(), below(300)];
      bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
    },
    () => {
      const [at, length] = [place(), below(300)];
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    },
  ];
  const count = 1 + below(4);
  for (let i = 0; i < count && bytes.length > 0; i++) edits[below(edits.length)]!();
  if (next() < 0.5) repairChecksums(bytes);
  return bytes;
}

for (const [name, seed] of [
  ['interlaced.png', 20230711],
  ['rocket-exif6.jpg', 20230712],
] as const) {
  test(`${MUTATIONS} mutations of ${name}, seed ${seed}`, async () => {
    const original = fixtureBytes(name);
    const next = random(seed);
    let pictures = 0;
    for (let i = 0; i < MUTATIONS; i++) {
      const bytes = mutate(original, next);
      const started = performance.now();
      try {
        const {width, height, data} = await readImage(bytes, {maxPixels: MAX_PIXELS});
        assert.is(data.length, width * height * 3, `mutation ${i}`);
        assert.ok(width * height <= MAX_PIXELS);
        pictures++;
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        assert.is(error.message.includes('\n'), false, `mutation ${i}: one line`);
      }
      const took = performance.now() - started;
      assert.ok(took < MAX_MILLISECONDS, `mutation ${i} took ${took} ms`);
    }
    assert.ok(pictures > 0 && pictures < MUTATIONS, `${pictures} were readable`);
    const memory = process.memoryUsage().rss;
    assert.ok(memory < MAX_MEMORY, `${memory / 1e6} MB`);
  });
}

test.run();
