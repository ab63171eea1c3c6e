import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {openMmc4, openObelics} from '../../../src/data/datasets/interleaved.js';
import {Random} from '../../../src/random.js';
import {expectInputError} from '../fixtures.js';
import {folder, png, prepare, read, write, writeLines} from './support.js';

const test = suite('interleaved documents');
const images = path.join(folder, 'images');

/** Pictures 1.png to 9.png. */
async function writeImages(): Promise<void> {
  for (let i = 1; i <= 9; i++) write(`images/${i}.png`, await png(i));
}
await writeImages();

const image = (name: number, sentence: number, similarity = 0.4) => ({
  image_name: `${name}.png`,
  matched_text_index: sentence,
  matched_sim: similarity,
});

test('MMC4: pictures before their sentences', async () => {
  const files = writeLines('mmc4.jsonl', [
    {text_list: ['One.', 'Two.', 'Three.'], image_info: [image(2, 1), image(1, 0), image(3, 1)]},
  ]);
  const dataset = await openMmc4({files, images, prepare});
  assert.equal(await read(dataset, 0), [1, 'One.', 2, 3, 'Two. Three.</s>']);
});

test('MMC4: pictures below the similarity are left out', async () => {
  const files = writeLines('similar.jsonl', [
    {text_list: ['A.', 'B.'], image_info: [image(1, 0, 0.31), image(2, 1, 0.32)]},
    {text_list: ['Text', 'alone.'], image_info: [image(1, 0, 0.2)]},
  ]);
  const strict = await openMmc4({files, images, prepare});
  assert.equal(await read(strict, 0), ['A.', 2, 'B.</s>']);
  assert.equal(await read(strict, 1), ['Text alone.</s>']);
  const loose = await openMmc4({files, images, minSimilarity: 0.25, prepare});
  assert.equal(await read(loose, 0), [1, 'A.', 2, 'B.</s>']);
});

test('MMC4: the similarity matrix where the match is not given, raw_url where the name is not', async () => {
  const files = writeLines('matrix.jsonl', [
    {
      text_list: ['A.', 'B.'],
      image_info: [{raw_url: 'https://example.org/x/4.png?w=1'}, {image_name: '5.png'}],
      similarity_matrix: [
        [0.1, 0.5],
        [0.1, 0.2],
      ],
    },
  ]);
  const dataset = await openMmc4({files, images, prepare});
  assert.equal(await read(dataset, 0), ['A.', 4, 'B.</s>']);
});

test('the first N pictures; the text goes on', async () => {
  const texts = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const files = writeLines('long.jsonl', [
    {text_list: texts, image_info: texts.map((_, i) => image(i + 1, i))},
  ]);
  const five = await openMmc4({files, images, maxTokens: 1024, prepare});
  assert.equal(await read(five, 0), [1, 'a', 2, 'b', 3, 'c', 4, 'd', 5, 'e f g</s>']);
  assert.is((await five.read(0, new Random(1))).maxTokens, 1024);
  const two = await openMmc4({files, images, maxImages: 2, prepare});
  assert.equal(await read(two, 0), [1, 'a', 2, 'b c d e f g</s>']);
});

test('sub-sequences begin at a picture and are shorter', async () => {
  const texts = ['a', 'b', 'c', 'd', 'e', 'f'];
  const files = writeLines('parts.jsonl', [
    {text_list: ['start', ...texts], image_info: texts.map((_, i) => image(i + 1, i + 1))},
  ]);
  const options = {files, images, maxImages: 2, maxTokens: 1024, subsequenceTokens: 512, prepare};
  const always = await openMmc4({...options, subsequences: 1});
  const starts = new Set<unknown>();
  for (let seed = 0; seed < 60; seed++) {
    const parts = await read(always, 0, seed);
    starts.add(parts[0]);
    assert.ok(typeof parts[0] === 'number');
    assert.ok(parts.filter((part) => typeof part === 'number').length <= 2);
    assert.is((await always.read(0, new Random(seed))).maxTokens, 512);
  }
  assert.equal([...starts].sort(), [1, 2, 3, 4, 5, 6]);
  const half = await openMmc4({...options, subsequences: 0.5});
  const heads = await Promise.all(Array.from({length: 60}, (_, seed) => read(half, 0, seed)));
  const whole = heads.filter(([part]) => part === 'start').length;
  assert.ok(whole > 15 && whole < 45, `${whole} of 60 begin at the start`);
});

test('pictures without a file are passed over, unless none is left', async () => {
  const missing = {image_name: 'gone.png', matched_text_index: 0, matched_sim: 0.5};
  const files = writeLines('gone.jsonl', [
    {text_list: ['A.', 'B.'], image_info: [missing, image(2, 1)]},
    {text_list: ['A.'], image_info: [missing]},
  ]);
  const dataset = await openMmc4({files, images, maxImages: 1, prepare});
  assert.equal(await read(dataset, 0), ['A.', 2, 'B.</s>']);
  await expectInputError(read(dataset, 1), `${files}, line 2`, /has none of its pictures, such as/);
});

test('bad documents are named', async () => {
  write('images/broken.png', 'no picture');
  const files = writeLines('bad.jsonl', [
    {text: 'no lists'},
    {text_list: ['A.'], image_info: [image(1, 7)]},
    {
      text_list: ['A.'],
      image_info: [{image_name: 'broken.png', matched_text_index: 0, matched_sim: 1}],
    },
    {text_list: [' '], image_info: []},
  ]);
  const dataset = await openMmc4({files, images, prepare});
  await expectInputError(read(dataset, 0), `${files}, line 1`, /is no MMC4 document/);
  await expectInputError(read(dataset, 1), `${files}, line 2`, /says not where picture 1 belongs/);
  const broken = path.join(images, 'broken.png');
  await expectInputError(read(dataset, 2), broken, /is not a picture/);
  await expectInputError(read(dataset, 3), `${files}, line 4`, /is empty/);
});

test('OBELICS: parallel lists with nulls', async () => {
  const files = writeLines('obelics.jsonl', [
    {images: [null, '1.png', null, null, '2.png'], texts: ['A.', null, 'B.', 'C <image>.', null]},
    {images: ['1.png'], texts: []},
    {images: ['https://example.org/1.png'], texts: [null]},
  ]);
  const dataset = await openObelics({files, images, prepare});
  assert.equal(await read(dataset, 0), ['A.', 1, 'B.\n\nC  .', 2, '</s>']);
  await expectInputError(read(dataset, 1), `${files}, line 2`, /is no OBELICS document/);
  await expectInputError(read(dataset, 2), 'https://example.org/1.png', /is a URL/);
});

test.run();
