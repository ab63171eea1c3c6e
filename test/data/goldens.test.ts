// Pixels and model inputs against those of the official code: every entry of the golden groups
// `preprocess` and `pixels_tiny`. Bytes must be equal; floats within 1e-6 (the goldens' README).
import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {readImage} from '../../src/data/image.js';
import type {Picture} from '../../src/data/picture.js';
import {pipelineTransform, processImage} from '../../src/data/preprocess.js';
import {resizeBicubic} from '../../src/data/resize.js';
import {frameIndices, readFrames} from '../../src/data/video.js';
import {type GoldenGroup, goldenPath, goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';

const FLOAT_TOLERANCE = 1e-6;
const test = suite('data goldens');

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** The picture or video that a golden was made from; undefined when this machine has not got it. */
function original(file: string, hash: string): string | undefined {
  const found = goldenPath(file);
  return found && sha256(readFileSync(found)) === hash ? found : undefined;
}

function assertClose(actual: ArrayLike<number>, golden: ArrayLike<number>, tolerance: number) {
  assert.is(actual.length, golden.length);
  let worst = 0;
  let where = 0;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i]! - golden[i]!);
    if (!(difference <= worst)) [worst, where] = [difference, i];
  }
  assert.ok(worst <= tolerance, `max |Δ| ${worst} at ${where} of ${actual.length}`);
}

const numbers = (group: GoldenGroup, name: string) =>
  group.get(name).data as Uint8Array | Float32Array;

type Check = (picture: Picture, size: number, golden: ArrayLike<number>) => void;

const checks: Record<string, Check> = {
  process_img: (picture, size, golden) =>
    assertClose(processImage(picture, size), golden, FLOAT_TOLERANCE),
  pipeline_transform: (picture, size, golden) =>
    assertClose(pipelineTransform(picture, size), golden, FLOAT_TOLERANCE),
  resized_u8: (picture, size, golden) =>
    assertClose(resizeBicubic(picture, size, size).data, golden, 0),
};

/** One test a tensor of the picture called `key`; sizes are the tensors' own. */
function testPicture(group: GoldenGroup, key: string, file: string, hash: string): void {
  const names = group.names().filter((name) => name.startsWith(`${key}.`));
  const found = original(file, hash);
  for (const name of names) {
    const kind = name.slice(key.length + 1).split('.')[0]!;
    const check = checks[kind];
    if (!check) continue;
    const title = `${group.group}: ${name}`;
    if (!found) {
      skip(test, title, `${file} is not here`);
      continue;
    }
    const {shape} = group.get(name);
    const size = kind === 'resized_u8' ? shape[0]! : shape.at(-1)!;
    test(title, async () => {
      check(await readImage(found, {useExif: false}), size, numbers(group, name));
    });
  }
}

interface PictureFacts {
  file: string;
  sha256: string;
  size_wh: [number, number];
  decoded_rgb_sha256?: string;
}

function testDecoded(group: GoldenGroup, key: string, facts: PictureFacts): void {
  const title = `preprocess: ${key} is decoded to the same pixels`;
  const found = original(facts.file, facts.sha256);
  if (!found) {
    skip(test, title, `${facts.file} is not here`);
    return;
  }
  test(title, async () => {
    const picture = await readImage(found, {useExif: false});
    assert.equal([picture.width, picture.height], facts.size_wh);
    if (facts.decoded_rgb_sha256) assert.is(sha256(picture.data), facts.decoded_rgb_sha256);
    const name = `${key}.decoded_u8`;
    if (group.has(name)) assertClose(picture.data, numbers(group, name), 0);
  });
}

/** Rows and columns of every frame that `decoded_u8_crop` holds, from the words in the JSON. */
function crop(picture: Picture, words: string): Uint8Array {
  const [top, bottom, left, right] = [...words.matchAll(/\d+/g)].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  const rows = [];
  for (let y = top; y <= bottom; y++) {
    const start = y * picture.width;
    rows.push(picture.data.subarray(3 * (start + left), 3 * (start + right + 1)));
  }
  return Buffer.concat(rows);
}

function testVideo(group: GoldenGroup): void {
  const facts = group.json.video;
  const title = `preprocess: the frames of ${facts.file}`;
  const found = original(facts.file, facts.sha256);
  if (!found) {
    skip(test, title, `${facts.file} is not here`);
    return;
  }
  const count = facts.frame_indices.length;
  const crops = group.get('video.decoded_u8_crop');
  const resized = group.get('video.resized_u8');
  const processed = group.get('video.process_img');
  const each = (tensor: {data: unknown}, i: number) => {
    const data = tensor.data as Uint8Array;
    const length = data.length / count;
    return data.subarray(i * length, (i + 1) * length);
  };
  test(title, async () => {
    assert.equal(frameIndices(facts.num_frames, count), facts.frame_indices);
    const frames = await readFrames(found, {count});
    assert.is(frames.length, count);
    const size = processed.shape.at(-1)!;
    for (const [i, frame] of frames.entries()) {
      assert.equal([frame.height, frame.width], facts.frame_hw);
      assertClose(crop(frame, facts.decoded_u8_crop), each(crops, i), 0);
      assertClose(resizeBicubic(frame, size, size).data, each(resized, i), 0);
      assertClose(processImage(frame, size), each(processed, i), FLOAT_TOLERANCE);
    }
  });
}

const preprocess = goldens('preprocess');
if (!preprocess?.json || preprocess.names().length === 0) {
  skip(test, 'preprocess', 'the golden group is not here');
} else {
  for (const [key, facts] of Object.entries<PictureFacts>(preprocess.json.pictures)) {
    testDecoded(preprocess, key, facts);
    testPicture(preprocess, key, facts.file, facts.sha256);
  }
  for (const {num_frames, num_segments, indices} of preprocess.json.get_index) {
    test(`get_index of ${num_frames} frames in ${num_segments}`, () => {
      assert.equal(frameIndices(num_frames, num_segments), indices);
    });
  }
  if (preprocess.json.video) testVideo(preprocess);
}

const pixels = goldens('pixels_tiny');
if (!pixels?.json || pixels.names().length === 0) {
  skip(test, 'pixels_tiny', 'the golden group is not here');
} else {
  for (const [file, hash] of Object.entries<string>(pixels.json.sha256)) {
    testPicture(pixels, file.replace(/^.*\//, ''), file, hash);
  }
}

test.run();
