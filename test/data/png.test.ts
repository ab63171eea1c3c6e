import {readFileSync} from 'node:fs';
import sharp from 'sharp';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {encodePng, readPngTexts} from '../../src/data/png.js';
import {fixture} from '../cli/runEmu.js';

const test = suite('texts in PNG files');
const picture = {width: 3, height: 2, data: Uint8Array.from({length: 18}, (_, i) => 14 * i)};

test('pixels and texts come back', async () => {
  const texts = {parameters: 'a cat\nSteps: 5', emu: '{"a":1}', Title: 'größer – 猫'};
  const file = await encodePng(picture, texts);
  assert.equal(readPngTexts(file), texts);
  const {data, info} = await sharp(file).raw().toBuffer({resolveWithObject: true});
  assert.is(info.channels, 3);
  assert.equal(new Uint8Array(data), picture.data);
  assert.equal(await encodePng(picture, texts), file, 'the same bytes again');
});

test('what other readers see', async () => {
  const file = await encodePng(picture, {parameters: 'Steps: 5', Title: '猫'});
  const {comments} = await sharp(file).metadata();
  assert.equal(comments, [
    {keyword: 'parameters', text: 'Steps: 5'},
    {keyword: 'Title', text: '猫'},
  ]);
});

test('other files', async () => {
  assert.is(readPngTexts(readFileSync(fixture('cat.jpg'))), undefined);
  assert.is(readPngTexts(new Uint8Array()), undefined);
  assert.equal(readPngTexts(readFileSync(fixture('not-an-image.png'))) ?? {}, {});
});

test('damaged files end in no error', async () => {
  const file = await encodePng(picture, {parameters: 'Steps: 5', Title: 'größer – 猫'});
  for (let length = 0; length < file.length; length++) readPngTexts(file.subarray(0, length));
  for (let i = 8; i < file.length; i++) {
    const damaged = Buffer.from(file);
    damaged[i] = 255 - damaged[i]!;
    readPngTexts(damaged);
  }
});

test.run();
