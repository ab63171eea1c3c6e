import {execFileSync} from 'node:child_process';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {expandBraces, findDataFiles} from '../../../src/data/datasets/filePatterns.js';
import {tarMembers} from '../../../src/data/datasets/tar.js';
import {openWebdataset} from '../../../src/data/datasets/webdataset.js';
import {throwsEmuError} from '../../support/errors.js';
import {skip} from '../../support/skip.js';
import {expectInputError} from '../fixtures.js';
import {folder, png, prepare, read, tarOf, write} from './support.js';

const test = suite('webdataset');

const order = 'pictureFirst';

/** Shards of two and one samples. */
async function shards(place: string): Promise<string> {
  write(
    `${place}/s-00.tar`,
    tarOf([
      {name: 'a/', content: '', type: '5'},
      {name: 'a/001.png', content: await png(1)},
      {name: 'a/001.txt', content: ' a cat </s>\n'},
      {name: 'a/002.txt', content: 'two dogs'},
      {name: 'a/002.png', content: await png(2)},
      {name: 'notes.md', content: 'not a sample'},
    ]),
  );
  write(
    `${place}/s-01.tar`,
    tarOf([
      {name: 'x.json', content: '{"caption": "a hat", "recaption": "a red hat"}'},
      {name: 'x.png', content: await png(3)},
    ]),
  );
  return path.join(folder, place);
}

test('samples of all shards, in order and at random', async () => {
  const place = await shards('plain');
  for (const shards of [place, `${place}/s-{00..01}.tar`, `${place}/*.tar`]) {
    const dataset = await openWebdataset({shards, order, prepare});
    assert.is(dataset.size, 3);
    assert.equal(await read(dataset, 2), [3, 'a hat</s>']);
    assert.equal(await read(dataset, 0), [1, 'a cat</s>']);
    assert.equal(await read(dataset, 1), [2, 'two dogs</s>']);
  }
});

test('the picture stands before or after its text, as the generator says', async () => {
  const dataset = await openWebdataset({shards: await shards('sides'), prepare});
  const both = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((seed) => read(dataset, 0, seed)));
  const first = both.filter(([part]) => part === 1);
  assert.ok(first.length > 0 && first.length < 8, `${first.length} of 8`);
  assert.equal(first[0], [1, 'a cat</s>']);
  assert.equal(
    both.find(([part]) => part !== 1),
    ['a cat', 1, '</s>'],
  );
  assert.equal(await read(dataset, 0, 3), await read(dataset, 0, 3));
});

test('captionField takes the field of the .json', async () => {
  const place = await shards('field');
  const options = {shards: `${place}/s-01.tar`, captionField: 'recaption', order, prepare} as const;
  assert.equal(await read(await openWebdataset(options), 0), [3, 'a red hat</s>']);
  const shard = `${place}/s-00.tar`;
  const lacking = await openWebdataset({...options, shards: shard});
  await expectInputError(read(lacking, 0), `${shard}, a/001`, /has no \.json/);
});

test('bad samples are named and leave the others alone', async () => {
  const shard = write(
    'bad/s.tar',
    tarOf([
      {name: '1.png', content: await png(1)},
      {name: '2.txt', content: 'no picture'},
      {name: '3.png', content: (await png(3)).subarray(0, 40)},
      {name: '3.txt', content: 'half a picture'},
      {name: '4.png', content: ''},
      {name: '4.txt', content: 'an empty picture'},
      {name: '5.png', content: await png(5)},
      {name: '5.txt', content: ' <image> '},
      {name: '6.png', content: await png(6)},
      {name: '6.json', content: '{"caption": '},
      {name: '7.png', content: await png(7)},
      {name: '7.txt', content: 'fine'},
    ]),
  );
  const dataset = await openWebdataset({shards: shard, order, prepare});
  await expectInputError(read(dataset, 0), `${shard}, 1`, /has no \.txt or \.json/);
  await expectInputError(read(dataset, 1), `${shard}, 2`, /has no picture/);
  await expectInputError(read(dataset, 2), `${shard}, 3`, /is cut off or damaged/);
  await expectInputError(read(dataset, 3), `${shard}, 4`, /is empty/);
  await expectInputError(read(dataset, 4), `${shard}, 5`, /has an empty text/);
  await expectInputError(read(dataset, 5), `${shard}, 6`, /has a damaged \.json/);
  assert.equal(await read(dataset, 6), [7, 'fine</s>']);
});

test('long names, as GNU tar and pax write them', async () => {
  const long = `${'d/'.repeat(80)}picture`;
  const pax = `path=${long}.txt\n`;
  const record = `${pax.length + 4} ${pax}`;
  const shard = write(
    'long.tar',
    tarOf([
      {name: '././@LongLink', content: `${long}.png\0`, type: 'L'},
      {name: `${long}.png`, content: await png(9)},
      {name: 'PaxHeader', content: record, type: 'x'},
      {name: `${long}.txt`, content: 'deep'},
    ]),
  );
  assert.equal(
    [...tarMembers(shard)].map(({name}) => name),
    [`${long}.png`, `${long}.txt`],
  );
  const dataset = await openWebdataset({shards: shard, order, prepare});
  assert.equal(await read(dataset, 0), [9, 'deep</s>']);
});

for (const format of ['gnu', 'pax', 'ustar', 'v7']) {
  const name = `an archive by tar --format=${format}`;
  const hasTar = (() => {
    try {
      return /GNU tar/.test(execFileSync('tar', ['--version'], {encoding: 'utf8'}));
    } catch {
      return false;
    }
  })();
  if (!hasTar) {
    skip(test, name, 'no GNU tar on this machine');
    continue;
  }
  test(name, async () => {
    const deep = format === 'v7' ? 'short' : 'a-folder-with-a-long-name/'.repeat(5);
    write(`by-tar/${deep}/1.png`, await png(4));
    write(`by-tar/${deep}/1.txt`, 'packed');
    const shard = path.join(folder, `${format}.tar`);
    const source = path.join(folder, 'by-tar');
    execFileSync('tar', [`--format=${format}`, '-cf', shard, '-C', source, deep.split('/')[0]!]);
    const dataset = await openWebdataset({shards: shard, order, prepare});
    assert.is(dataset.size, 1);
    assert.equal(await read(dataset, 0), [4, 'packed</s>']);
  });
}

test('a shard that is cut off, damaged or no tar is one clear error', async () => {
  const whole = tarOf([
    {name: '1.png', content: await png(1)},
    {name: '1.txt', content: 'x'.repeat(600)},
  ]);
  const open = (name: string, bytes: Uint8Array) =>
    openWebdataset({shards: write(name, bytes), prepare});
  const file = (name: string) => path.join(folder, name);
  for (const length of [whole.length - 1024, whole.length - 1500, 1000, 100]) {
    const name = `cut-${length}.tar`;
    const found = open(name, whole.subarray(0, length));
    await expectInputError(found, file(name), /is cut off at byte \d+: .*; get the file again/);
  }
  const damaged = Buffer.from(whole);
  damaged[1024 + 3] = 0xff;
  await expectInputError(open('damaged.tar', damaged), file('damaged.tar'), /is damaged at byte/);
  const text = Buffer.from('no archive '.repeat(100));
  await expectInputError(open('text.tar', text), file('text.tar'), /is no tar file/);
  const packed = Buffer.concat([Buffer.from('1f8b0800', 'hex'), Buffer.alloc(600)]);
  await expectInputError(open('packed.tar', packed), file('packed.tar'), /is compressed/);
  const lying = Buffer.from(whole);
  lying.write('77777777777', 124);
  const sum = lying.subarray(0, 512).reduce((total, byte, i) => {
    return total + (i >= 148 && i < 156 ? 32 : byte);
  }, 0);
  lying.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  await expectInputError(open('lying.tar', lying), file('lying.tar'), /1\.png is incomplete/);
  const empty = open('empty.tar', Buffer.alloc(1024));
  await expectInputError(empty, file('empty.tar'), /holds no pictures with texts/);
});

test('every prefix of a shard opens or is one line', async () => {
  const whole = tarOf([{name: '1.txt', content: 'abc'}]);
  for (let length = 0; length < whole.length; length += 37) {
    const shard = write('prefix.tar', whole.subarray(0, length));
    const error = await openWebdataset({shards: shard, prepare}).catch((caught) => caught);
    if (error instanceof Error) assert.match(error.message, /prefix\.tar: is (cut off|no tar)/);
  }
});

test('patterns', () => {
  assert.equal(expandBraces('a{08..10}.tar'), ['a08.tar', 'a09.tar', 'a10.tar']);
  assert.equal(expandBraces('{a,b}/{0..1}'), ['a/0', 'a/1', 'b/0', 'b/1']);
  assert.equal(expandBraces('plain{x}.tar'), ['plain{x}.tar']);
  throwsEmuError(() => expandBraces('{9..1}'), /is no range/);
  throwsEmuError(() => expandBraces('{0..999}{0..9999}'), /more than 1000000 files/);
  const braces = write('odd{1,2}.tar', 'x');
  assert.equal(findDataFiles(braces, /\.tar$/, '.tar file'), [braces]);
  const missing = path.join(folder, 'none-{1..2}.tar');
  throwsEmuError(() => findDataFiles(missing, /\.tar$/, '.tar file'), /none-1\.tar: no such file/);
  write('nothing/readme', '');
  const nothing = path.join(folder, 'nothing');
  throwsEmuError(() => findDataFiles(nothing, /\.tar$/, '.tar file'), /names no \.tar file/);
  throwsEmuError(() => findDataFiles(`${nothing}/*.tar`, /\.tar$/, '.tar file'), /names no/);
});

test.run();
