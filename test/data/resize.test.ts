import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import type {Picture} from '../../src/data/picture.js';
import {clipMean, clipStd, pipelineTransform, processImage} from '../../src/data/preprocess.js';
import {resizeBicubic} from '../../src/data/resize.js';

const test = suite('resize and normalize');

function picture(width: number, height: number, value: (i: number) => number): Picture {
  return {width, height, data: Uint8Array.from({length: width * height * 3}, (_, i) => value(i))};
}

/** Park-Miller, so that the numbers below can be made again elsewhere. */
function noise(width: number, height: number): Picture {
  let state = 1;
  return picture(width, height, () => {
    state = (state * 48271) % 2147483647;
    return state & 255;
  });
}

const checksum = ({data}: Picture) =>
  data.reduce((sum, value, i) => (sum + value * ((i % 65521) + 1)) % 4294967296, 0);

// [width, height] -> [width, height]: sum of value * (i % 65521 + 1) modulo 2^32 of the bytes that
// Pillow 9.4.0 gives for `noise(...)`.
const pillow: [number, number, number, number, number][] = [
  [1, 1, 5, 3, 150360],
  [2, 3, 56, 56, 60504282],
  [7, 300, 56, 56, 1331027455],
  [300, 7, 56, 56, 1329172969],
  [57, 55, 56, 56, 1318174706],
  [56, 90, 56, 56, 1344499055],
  [90, 56, 56, 56, 1343770090],
  [223, 225, 224, 224, 997431699],
  [640, 480, 224, 224, 786240344],
  [1000, 20, 224, 224, 2490355491],
  [101, 67, 13, 211, 16282102],
];

for (const [fromWidth, fromHeight, width, height, expected] of pillow) {
  test(`${fromWidth}x${fromHeight} to ${width}x${height} as Pillow`, () => {
    const resized = resizeBicubic(noise(fromWidth, fromHeight), width, height);
    assert.equal([resized.width, resized.height], [width, height]);
    assert.is(resized.data.length, width * height * 3);
    assert.is(checksum(resized), expected);
  });
}

test('a picture of one colour keeps it', () => {
  for (const [width, height] of [
    [1, 1],
    [3, 700],
    [2000, 1],
  ] as const) {
    for (const value of [0, 1, 128, 254, 255]) {
      const {data} = resizeBicubic(
        picture(width, height, () => value),
        56,
        56,
      );
      assert.ok(
        data.every((other) => other === value),
        `${width}x${height} ${value}`,
      );
    }
  }
});

test('the same size gives the same pixels, and the input is left alone', () => {
  const original = noise(31, 17);
  const before = checksum(original);
  assert.equal(resizeBicubic(original, 31, 17).data, original.data);
  resizeBicubic(original, 7, 9);
  assert.is(checksum(original), before);
});

test('planes are R, G, B, normalized with the statistics of CLIP', () => {
  const size = 4;
  const flat = picture(9, 5, (i) => [10, 100, 250][i % 3]!);
  for (const transform of [processImage, pipelineTransform]) {
    const planes = transform(flat, size);
    assert.instance(planes, Float32Array);
    assert.is(planes.length, 3 * size * size);
    for (let channel = 0; channel < 3; channel++) {
      const value = [10, 100, 250][channel]!;
      const expected = (value / 255 - clipMean[channel]!) / clipStd[channel]!;
      for (let i = 0; i < size * size; i++) {
        assert.ok(Math.abs(planes[channel * size * size + i]! - expected) < 1e-6);
      }
    }
  }
});

test('a photo of 12 megapixels takes less than half a second', () => {
  const photo = picture(4000, 3000, (i) => i & 255);
  resizeBicubic(photo, 64, 64);
  const started = process.cpuUsage();
  resizeBicubic(photo, 224, 224);
  const seconds = process.cpuUsage(started).user / 1e6;
  assert.ok(seconds < 0.5, `${seconds} s`);
});

test.run();
