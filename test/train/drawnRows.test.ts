// What the image decoder's batches are made of: rows, their noise, texts that are short enough, squares.
import path from 'node:path';
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import type {Dataset, PreparedPicture} from '../../src/data/dataset.js';
import {clipMean, clipStd, drawnPixels} from '../../src/data/preprocess.js';
import {Random} from '../../src/random.js';
import {openDataset} from '../../src/train/data/openDataset.js';
import {ShortTexts} from '../../src/train/data/shortTexts.js';
import {sourceSpec} from '../../src/train/data/spec.js';
import {drawnRows} from '../../src/train/drawnRows.js';
import {drawNoise} from '../../src/train/rowNoise.js';
import {temporaryFolder} from '../support/temporary.js';
import {writeTinyRecipe} from './tinyRecipe.js';

const test = suite('drawn rows');

const ids = {unk: 0, bos: 1, eos: 2, pad: 3, img: 4, endImg: 5, image: 6};
const [B, E, P, I, J, X] = [ids.bos, ids.eos, ids.pad, ids.img, ids.endImg, ids.image];
const picture = [I, X, X, J];
const rowsOf = (rows: readonly number[][]) => {
  const longest = Math.max(...rows.map(({length}) => length));
  const padded = rows.map((row) => [...row, ...new Array<number>(longest - row.length).fill(P)]);
  const lengths = rows.map(({length}) => length);
  return drawnRows({ids: padded, lengths}, ids as never, 2);
};

test('a picture is drawn from its text, on whichever side that stands', () => {
  assert.equal(
    rowsOf([
      [B, 7, 8, ...picture, E],
      [B, ...picture, 7, 8, E],
    ]),
    [
      {prompt: [B, 7, 8, I], seen: [], drawn: 0},
      {prompt: [B, 7, 8, I], seen: [], drawn: 1},
    ],
  );
});

test('of several pictures the last is drawn, after the others', () => {
  const row = [B, ...picture, 7, ...picture, 8, ...picture, 9, E];
  assert.equal(rowsOf([[B, ...picture, E], row, [B, 7, ...picture]]), [
    {prompt: [B, I], seen: [], drawn: 0},
    {prompt: [B, ...picture, 7, ...picture, 8, I], seen: [1, 2], drawn: 3},
    {prompt: [B, 7, I], seen: [], drawn: 4},
  ]);
});

test('[IMG] and [/IMG] around words are no picture', () => {
  assert.equal(rowsOf([[B, I, 9, J, 7, ...picture, E]]), [
    {prompt: [B, I, 9, J, 7, I], seen: [], drawn: 0},
  ]);
});

const options = {shape: [2, 3, 3], numSteps: 1000, dropCondition: 0.5} as const;
const drawn = (step: number | undefined, rows: number[], seed = 1) => {
  const {noise, latentNoise, timesteps, isDropped} = drawNoise(seed, step, rows, options);
  const values = {noise: noise.arraySync(), latentNoise: latentNoise.arraySync()};
  tf.dispose([noise, latentNoise]);
  return {...values, timesteps, isDropped};
};

test('a row draws the same in whatever part of a batch it is', () => {
  const whole = drawn(7, [0, 1, 2, 3, 4]);
  const part = drawn(7, [2, 3]);
  for (const [name, values] of Object.entries(part))
    assert.equal(values, whole[name as keyof typeof whole].slice(2, 4), name);
  assert.not.equal(whole.noise[0], whole.noise[1]);
  assert.not.equal(whole.noise[0], whole.latentNoise[0]);
  assert.not.equal(drawn(8, [2]).noise, drawn(7, [2]).noise);
  assert.not.equal(drawn(7, [2], 2).noise, drawn(7, [2]).noise);
});

test('conditions are dropped at their rate, timesteps are even, the noise is normal', () => {
  const rows = Array.from({length: 2000}, (_, i) => i);
  const {noise, timesteps, isDropped} = drawn(0, rows);
  const dropped = isDropped.filter(Boolean).length / rows.length;
  assert.ok(Math.abs(dropped - 0.5) < 0.05, `${dropped} dropped`);
  assert.ok(timesteps.every((t) => Number.isInteger(t) && t >= 0 && t < 1000));
  const mean = timesteps.reduce((sum, t) => sum + t, 0) / rows.length;
  assert.ok(Math.abs(mean - 499.5) < 30, `mean timestep ${mean}`);
  const values = noise.flat(3);
  const moment = (power: number) =>
    values.reduce((sum, value) => sum + value ** power, 0) / values.length;
  assert.ok(Math.abs(moment(1)) < 0.03 && Math.abs(moment(2) - 1) < 0.05);
});

test('validation draws the same each time and drops nothing', () => {
  const rows = Array.from({length: 20}, (_, i) => i);
  assert.equal(drawn(undefined, rows), drawn(undefined, rows));
  assert.ok(drawn(undefined, rows).isDropped.every((value) => !value));
});

/** Samples whose text is as long as their number. */
function lengths(size: number): Dataset {
  return {
    name: 'lengths',
    size,
    read: (index, random) => {
      const length = Number.isFinite(size) ? index : random.below(20);
      return Promise.resolve({
        name: String(length),
        parts: [{type: 'text', text: `${'x'.repeat(length)}</s>`}],
      });
    },
    close: () => {},
  };
}

test('long texts are replaced, the same way each time', async () => {
  for (const size of [20, Number.POSITIVE_INFINITY]) {
    const short = new ShortTexts(lengths(size), 4);
    for (let i = 0; i < 20; i++) {
      const name = async () => (await short.read(i, new Random(3, i))).name;
      const first = await name();
      assert.ok(Number(first) <= 4, `${first} characters`);
      assert.is(await name(), first);
      if (size === 20 && i <= 4) assert.is(first, String(i));
    }
  }
  const none = await new ShortTexts(lengths(20), -1).read(0, new Random(1)).catch((error) => error);
  assert.match(none.message, /lengths: .*more than -1 characters/);
});

test('pictures become squares in [-1, 1]: their middle, or all of them', () => {
  const width = 6;
  const data = new Uint8Array(3 * width * 2);
  // Columns 0 to 5 are 0, 51, ... 255.
  for (let i = 0; i < width * 2; i++) data.fill(51 * (i % width), 3 * i, 3 * i + 3);
  const wide = {width, height: 2, data};
  const row = (values: Float32Array) => [...values.subarray(0, 2)].map((v) => Math.round(v * 100));
  assert.equal(row(drawnPixels(wide, 2, 'crop')), [-20, 20]);
  const stretched = row(drawnPixels(wide, 2, 'stretch'));
  assert.ok(stretched[0]! < -40 && stretched[1]! > 40, `${stretched}`);
  const high = {
    width: 2,
    height: 6,
    data: Uint8Array.from({length: 36}, (_, i) => Math.floor(i / 6) * 51),
  };
  assert.equal(
    [...drawnPixels(high, 2, 'crop')].map((v) => Math.round(v * 100)).slice(0, 4),
    [-20, -20, 20, 20],
  );
});

for (const kind of ['emoji', 'scenes'] as const)
  test(`${kind}: a picture is composed for the encoder and the decoder alike`, async () => {
    const folder = temporaryFolder();
    process.env.EMU_CACHE_DIR = folder;
    writeTinyRecipe(folder);
    const size = 16;
    const spec = sourceSpec.parse({
      kind,
      concepts: path.join(folder, 'concepts.json'),
      vendors: ['noto', 'twemoji'],
      artSize: 16,
      augmentation: {rotation: 9, flip: 0.5, noise: 3, ground: 1},
      ...(kind === 'scenes' ? {questions: {what: 1}} : {}),
    });
    const context = {imageSize: size, seed: 1, prepare: () => ({pixels: new Float32Array()})};
    const picture = async (targetSize?: number) => {
      const dataset = await openDataset(spec, {...context, targetSize});
      const {parts} = await dataset.read(3, new Random(1, 3));
      const found = parts.find((part) => part.type === 'picture');
      return found as PreparedPicture;
    };
    const alone = await picture();
    assert.is(alone.target, undefined);
    assert.is((await picture(40)).target!.length, 3 * 40 * 40);
    const {pixels, target} = await picture(size);
    assert.equal(pixels, alone.pixels);
    // The same values in 0 to 255, those of the target rounded.
    const plane = size * size;
    for (const [i, value] of pixels.entries()) {
      const channel = Math.floor(i / plane);
      const level = 255 * (value * clipStd[channel]! + clipMean[channel]!);
      assert.ok(Math.abs(level - 127.5 * (target![i]! + 1)) < 0.51, `${i}: ${level}`);
    }
  });

test.run();
