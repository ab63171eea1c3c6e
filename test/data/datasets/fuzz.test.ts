// Damaged files of every kind: whatever a byte says, the outcome is samples or errors of one line.
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import type {Dataset} from '../../../src/data/dataset.js';
import {openAlpaca, openLlava, openSharegpt} from '../../../src/data/datasets/conversations.js';
import {openMmc4, openObelics} from '../../../src/data/datasets/interleaved.js';
import {openPairs} from '../../../src/data/datasets/pairs.js';
import {openStoryboard} from '../../../src/data/datasets/storyboard.js';
import {openWebdataset} from '../../../src/data/datasets/webdataset.js';
import {EmuError} from '../../../src/errors.js';
import {Random} from '../../../src/random.js';
import {folder, png, prepare, tarOf, write} from './support.js';

const test = suite('damaged data sets');
const images = path.join(folder, 'images');
write('images/a.png', await png(1));

const lines = (rows: unknown[]) => rows.map((row) => JSON.stringify(row)).join('\n');
const turns = [
  {from: 'human', value: '<image> q'},
  {from: 'gpt', value: 'a'},
];
const info = {image_name: 'a.png', matched_text_index: 1, matched_sim: 0.5};

interface Kind {
  readonly file: string;
  readonly content: Uint8Array | string;
  readonly open: (file: string) => Promise<Dataset>;
}

const kinds: Record<string, Kind> = {
  tar: {
    file: 'x.tar',
    content: tarOf([
      {name: 'a.png', content: await png(1)},
      {name: 'a.txt', content: 'text'},
      {name: '././@LongLink', content: 'long/b.txt\0', type: 'L'},
      {name: 'b.txt', content: 'text'},
    ]),
    open: (shards) => openWebdataset({shards, prepare}),
  },
  csv: {
    file: 'x.csv',
    content: 'image,caption\na.png,"one, ""x"""\na.png,two\n',
    open: (table) => openPairs({folder: images, table, prepare}),
  },
  mmc4: {
    file: 'x.jsonl',
    content: lines([{text_list: ['a', 'b'], image_info: [info], similarity_matrix: [[0.1, 0.5]]}]),
    open: (files) => openMmc4({files, images, prepare}),
  },
  obelics: {
    file: 'o.jsonl',
    content: lines([{images: ['a.png', null], texts: [null, 'text']}]),
    open: (files) => openObelics({files, images, prepare}),
  },
  llava: {
    file: 'x.json',
    content: JSON.stringify([{image: 'a.png', conversations: turns}]),
    open: (files) => openLlava({files, images, prepare}),
  },
  sharegpt: {
    file: 's.jsonl',
    content: lines([{conversations: turns}, {messages: [{role: 'user', content: 'x'}]}]),
    open: (files) => openSharegpt({files}),
  },
  alpaca: {
    file: 'a.json',
    content: JSON.stringify([{instruction: 'a', input: 'b', output: 'c'}], null, 1),
    open: (files) => openAlpaca({files}),
  },
};

/** A few bytes changed, a piece cut out, or the end missing. */
function damage(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const kind = random.below(4);
  if (kind === 0) return copy.subarray(0, random.below(copy.length));
  if (kind === 1) {
    const at = random.below(copy.length);
    const end = Math.min(copy.length, at + 1 + random.below(20));
    return Buffer.concat([copy.subarray(0, at), copy.subarray(end)]);
  }
  for (let i = 0; i <= random.below(4); i++) {
    const signs = '\0"{}[],:\n\\<5n\xff';
    const sign = signs.charCodeAt(random.below(signs.length));
    copy[random.below(copy.length)] = kind === 2 ? sign : random.below(256);
  }
  return copy;
}

async function readAll(open: () => Promise<Dataset>): Promise<void> {
  const dataset = await open();
  for (let i = 0; i < dataset.size; i++) await dataset.read(i, new Random(i));
}

async function outcome(open: () => Promise<Dataset>): Promise<unknown> {
  return readAll(open).then(
    () => undefined,
    (error) => error,
  );
}

for (const [name, {file, content, open}] of Object.entries(kinds)) {
  test(name, async () => {
    const random = new Random(7);
    let failed = 0;
    for (let i = 0; i < 200; i++) {
      const damaged = write(`${name}/${file}`, damage(Buffer.from(content as string), random));
      const error = await outcome(() => open(damaged));
      if (error === undefined) continue;
      failed++;
      assert.instance(error, EmuError, String((error as Error).stack));
    }
    assert.ok(failed > 20, `${failed} of 200 were found out`);
  });
}

/** The same JSON with one value, at any depth, replaced by one of another type. */
function retype(value: unknown, random: Random): unknown {
  const isLeaf = typeof value !== 'object' || value === null || random.chance(0.25);
  if (isLeaf) return random.pick([null, 5, -1.5, '', 'constructor', [], {}, [null], true]);
  const keys = Object.keys(value);
  const key = keys.length > 0 ? random.pick(keys) : 'x';
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[key] = retype((value as Record<string, unknown>)[key], random);
  return copy;
}

for (const [name, {file, content, open}] of Object.entries(kinds)) {
  if (!/\.jsonl?$/.test(file)) continue;
  test(`${name} with values of other types`, async () => {
    const random = new Random(11);
    const rows = file.endsWith('l')
      ? (content as string).split('\n').map((line) => JSON.parse(line))
      : JSON.parse(content as string);
    let failed = 0;
    for (let i = 0; i < 200; i++) {
      const changed = retype(retype(rows, random), random);
      const text = Array.isArray(changed) && file.endsWith('l') ? lines(changed) : changed;
      const odd = write(`${name}/${file}`, typeof text === 'string' ? text : JSON.stringify(text));
      const error = await outcome(() => open(odd));
      if (error === undefined) continue;
      failed++;
      assert.instance(error, EmuError, String((error as Error).stack));
      assert.not.match((error as Error).message, /\n/);
    }
    assert.ok(failed > 20, `${failed} of 200 were found out`);
  });
}

test('storyboard', async () => {
  const random = new Random(9);
  const frames = '[{"file": "a.png", "time": 1}]';
  const cues = '1\n00:00:01,000 --> 00:00:02,000\ntext\n\n2\n00:00:02,000 --> 00:00:03,000\nmore\n';
  write('boards/v/a.png', await png(1));
  let failed = 0;
  for (let i = 0; i < 200; i++) {
    write('boards/v/frames.json', damage(Buffer.from(frames), random));
    write('boards/v/x.srt', damage(Buffer.from(cues), random));
    const error = await outcome(() =>
      openStoryboard({folder: path.join(folder, 'boards'), prepare}),
    );
    if (error === undefined) continue;
    failed++;
    assert.instance(error, EmuError, String((error as Error).stack));
  }
  assert.ok(failed > 20, `${failed} of 200 were found out`);
});

test.run();
