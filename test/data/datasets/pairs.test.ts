import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {openPairs} from '../../../src/data/datasets/pairs.js';
import {expectInputError, fixtureBytes} from '../fixtures.js';
import {folder, png, prepare, read, write, writeLines} from './support.js';

const test = suite('pairs');
const order = 'pictureFirst';

test('a folder with metadata.jsonl', async () => {
  write('meta/a.png', await png(1));
  write('meta/sub/b.png', await png(2));
  writeLines('meta/metadata.jsonl', [
    {file_name: 'a.png', text: 'one [IMG]'},
    {file_name: 'sub/b.png', text: 'two'},
  ]);
  const dataset = await openPairs({folder: path.join(folder, 'meta'), order, prepare});
  assert.is(dataset.size, 2);
  assert.equal(await read(dataset, 1), [2, 'two</s>']);
  assert.equal(await read(dataset, 0), [1, 'one</s>']);
});

test('a CSV with columns of any name', async () => {
  write('table/a.png', await png(1));
  const table = write('captions.csv', 'bild,satz\na.png,"one, two"\nmissing.png,none\n');
  const options = {folder: path.join(folder, 'table'), table, order, prepare} as const;
  const named = {...options, imageField: 'bild', captionField: 'satz'};
  const dataset = await openPairs(named);
  assert.equal(await read(dataset, 0), [1, 'one, two</s>']);
  const missing = path.join(folder, 'table/missing.png');
  await expectInputError(read(dataset, 1), missing, /no such file/);
  const unnamed = openPairs(options);
  const where = `${table}, line 2`;
  await expectInputError(unnamed, where, /has no image .*it has bild, satz\); say .* imageField/);
  const wrong = openPairs({...named, captionField: 'text'});
  await expectInputError(wrong, where, /has no caption \(looked for text; it has bild, satz\)/);
});

test('a damaged first line does not hide the fields', async () => {
  write('first/a.png', await png(5));
  const table = write('first.jsonl', '{"image": \n{"image": "a.png", "caption": "five"}\n');
  const dataset = await openPairs({folder: path.join(folder, 'first'), table, order, prepare});
  await expectInputError(read(dataset, 0), `${table}, line 1`, /is damaged/);
  assert.equal(await read(dataset, 1), [5, 'five</s>']);
});

test('pictures with a .txt of their name', async () => {
  write('files/b.png', await png(2));
  write('files/b.txt', 'two\n');
  write('files/a/c.png', await png(3));
  write('files/a/c.txt', 'three');
  write('files/z.PNG', await png(4));
  const place = path.join(folder, 'files');
  const dataset = await openPairs({folder: place, order, prepare});
  assert.is(dataset.size, 3);
  assert.equal(await read(dataset, 0), [3, 'three</s>']);
  assert.equal(await read(dataset, 1), [2, 'two</s>']);
  await expectInputError(read(dataset, 2), path.join(place, 'z.txt'), /no such file/);
});

test('pictures of any kind; damaged ones and URLs are named', async () => {
  write('real/cat.jpg', fixtureBytes('cat.jpg'));
  write('real/cut.jpg', fixtureBytes('truncated.jpg'));
  const table = writeLines('real.jsonl', [
    {path: 'cat.jpg', caption: 'a cat'},
    {path: 'cut.jpg', caption: 'half'},
    {path: 'https://example.org/a.jpg', caption: 'far'},
    {path: '', caption: 'nothing'},
    {path: 'cat.jpg', caption: 7},
  ]);
  const place = path.join(folder, 'real');
  const dataset = await openPairs({folder: place, table, order, prepare});
  assert.is((await read(dataset, 0))[1], 'a cat</s>');
  await expectInputError(read(dataset, 1), path.join(place, 'cut.jpg'), /is cut off or damaged/);
  await expectInputError(read(dataset, 2), 'https://example.org/a.jpg', /is a URL, not a file/);
  await expectInputError(read(dataset, 3), `${table}, line 4`, /names no file/);
  await expectInputError(read(dataset, 4), `${table}, line 5`, /has no text/);
});

test('a folder without pictures, and none', async () => {
  write('void/readme.md', '');
  const place = path.join(folder, 'void');
  await expectInputError(openPairs({folder: place, prepare}), place, /holds no pictures/);
  const missing = path.join(folder, 'no-such');
  await expectInputError(openPairs({folder: missing, prepare}), missing, /no such file/);
});

test.run();
