import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {openRecords, type Records} from '../../../src/data/datasets/records.js';
import {throwsEmuError} from '../../support/errors.js';
import {expectInputError} from '../fixtures.js';
import {folder, write} from './support.js';

const test = suite('records');

const rows = (records: Records) => Array.from({length: records.size}, (_, i) => records.row(i));

test('JSON lines: blank lines, no end of line, a byte order mark, any script', async () => {
  const file = write('a.jsonl', '\ufeff{"a": 1}\n\n  \r\n{"a": "é\\n😀"}\r\n{"a": 3}');
  const records = await openRecords([file]);
  assert.equal(rows(records), [{a: 1}, {a: 'é\n😀'}, {a: 3}]);
  assert.is(records.place(1), `${file}, line 4`);
});

test('JSON lines longer than what is read at once', async () => {
  const long = 'x'.repeat(700_000);
  const lines = [0, 1, 2, 3].map((i) => JSON.stringify({i, long}));
  const records = await openRecords([write('long.jsonl', lines.join('\n'))]);
  assert.equal(
    rows(records).map(({i, long: text}) => [i, (text as string).length]),
    [0, 1, 2, 3].map((i) => [i, 700_000]),
  );
});

test('a damaged line is named; the others are read', async () => {
  const file = write('bad.jsonl', '{"a": 1}\n{"a": \n[1]\n{"a": 4}\n');
  const records = await openRecords([file]);
  throwsEmuError(() => records.row(1), /bad\.jsonl, line 2: is damaged \(no valid JSON\)/);
  throwsEmuError(() => records.row(2), /line 3: is no record/);
  assert.equal(records.row(3), {a: 4});
});

test('a JSON list, with brackets and quotes inside its texts', async () => {
  const items = [{t: 'a ] } "q" \\'}, {t: [{x: ['[', '"']}], u: {}}, {t: 'é,{'}];
  for (const text of [JSON.stringify(items), JSON.stringify(items, null, 2), '[\n]']) {
    const file = write('list.json', `  \n${text}\n`);
    if (text === '[\n]') await expectInputError(openRecords([file]), file, /holds no records/);
    else assert.equal(rows(await openRecords([file])), items);
  }
  const records = await openRecords([write('broken.json', '[{"t": 1}, {"t": x}, {"t": 3}]')]);
  throwsEmuError(() => records.row(1), /broken\.json, item 2: is damaged/);
  assert.equal(records.row(2), {t: 3});
});

test('a .json of one record a line', async () => {
  assert.equal(rows(await openRecords([write('lines.json', '{"a": 1}\n{"a": 2}')])), [
    {a: 1},
    {a: 2},
  ]);
});

test('CSV: quotes, line ends inside them, stray quotes, missing columns', async () => {
  const text =
    '\ufeffimage,caption\r\na.png,"one, ""two""\nthree"\r\n\r\nb.png,a 6" nail é\nc.png,x,y\nd.png,last';
  const records = await openRecords([write('t.csv', text)]);
  assert.is(records.size, 4);
  assert.equal(records.row(0), {image: 'a.png', caption: 'one, "two"\nthree'});
  assert.equal(records.row(1), {image: 'b.png', caption: 'a 6" nail é'});
  throwsEmuError(() => records.row(2), /t\.csv, line 6: .*3 columns where the first line has 2/);
  assert.equal(records.row(3), {image: 'd.png', caption: 'last'});
  const tabs = await openRecords([write('t.tsv', 'image\tcaption\na.png\tone, two\n')]);
  assert.equal(tabs.row(0), {image: 'a.png', caption: 'one, two'});
});

test('CSV with a quote that is never closed is one clear error', async () => {
  const file = write('open.csv', 'image,caption\na.png,"never\nb.png,closed\n');
  const found = openRecords([file]);
  await expectInputError(found, `${file}, line 3`, /a quote before it is never closed/);
});

test('files that are cut off, compressed, empty or missing', async () => {
  const cut = write('cut.json', '[{"a": 1}, {"a": 2}');
  await expectInputError(openRecords([cut]), cut, /is cut off: its list does not end/);
  const packed = write('packed.jsonl', Buffer.from('1f8b08000000', 'hex'));
  await expectInputError(openRecords([packed]), packed, /is compressed/);
  const empty = write('empty.jsonl', '');
  await expectInputError(openRecords([empty]), empty, /holds no records/);
  const header = write('header.csv', 'image,caption\n');
  await expectInputError(openRecords([header]), header, /holds no records/);
  const missing = path.join(folder, 'missing.jsonl');
  await expectInputError(openRecords([missing]), missing, /no such file/);
  await expectInputError(openRecords([folder]), folder, /is a directory/);
  // The last line of a file that is cut off is a bad record, no more.
  const half = await openRecords([write('half.jsonl', '{"a": 1}\n{"a"')]);
  assert.equal(half.row(0), {a: 1});
  throwsEmuError(() => half.row(1), /line 2: is damaged/);
});

test('several files are one table', async () => {
  const first = write('many/1.jsonl', '{"a": 1}\n{"a": 2}\n');
  const none = write('many/2.jsonl', '\n');
  const last = write('many/3.jsonl', '{"a": 3}\n');
  const records = await openRecords([first, none, last]);
  assert.equal(rows(records), [{a: 1}, {a: 2}, {a: 3}]);
  assert.is(records.place(2), `${last}, line 1`);
  assert.is(records.place(1), `${first}, line 2`);
});

test.run();
