// The words of a user's own data, for a model that is trained on them from nothing.
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {describeSources} from '../../../src/train/data/describe.js';
import {dataSpec, withFullPaths} from '../../../src/train/data/spec.js';
import {temporaryFolder} from '../../support/temporary.js';

const test = suite('words of sources');
const folder = temporaryFolder();
const put = (name: string, text: string) => {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), {recursive: true});
  writeFileSync(file, text);
};

async function words(...sources: object[]): Promise<string[]> {
  const {sources: specs} = withFullPaths(dataSpec.parse({sources}), folder);
  return [...(await describeSources(specs, true)).words].sort();
}

// No picture is there: none is read for words.
put('table/metadata.jsonl', '{"file_name":"a.png","text":"A Cat."}\n{"file_name":"b.png"}\n');
put('files/a.png', '');
put('files/a.txt', 'two dogs, [IMG] <image>');
put(
  'turns.json',
  JSON.stringify([
    {
      image: 'a.png',
      conversations: [
        {from: 'human', value: '<image>\nwho?'},
        {from: 'gpt', value: 'nobody'},
      ],
    },
  ]),
);
put('alpaca.jsonl', '{"instruction":"add","input":"1","output":"2"}\n');
put('mmc4.jsonl', '{"text_list":["one","other"],"image_info":[]}\n');
put('obelics.jsonl', '{"images":["a.png",null],"texts":[null,"beside"]}\n');
put('clips.csv', 'video,caption\na.mp4,a clip\n');
put('boards/one/subtitles.json', '[{"start":0,"end":1,"text":"hello there"}]');

const cases: Record<string, [source: object, words: string[]]> = {
  'a table, but for a record without a caption': [
    {kind: 'pairs', folder: 'table'},
    ['.', 'a', 'cat'],
  ],
  'files beside pictures, without special tokens': [
    {kind: 'pairs', folder: 'files'},
    [',', 'dogs', 'two'],
  ],
  'turns and what stands before them': [
    {kind: 'llava', files: 'turns.json', images: '.', system: 'look!'},
    ['!', ':', '?', 'look', 'nobody', 'who'],
  ],
  instructions: [{kind: 'alpaca', files: 'alpaca.jsonl'}, ['1', '2', ':', 'add']],
  'MMC4 documents': [{kind: 'mmc4', files: 'mmc4.jsonl', images: '.'}, ['one', 'other']],
  'OBELICS documents': [{kind: 'obelics', files: 'obelics.jsonl', images: '.'}, ['beside']],
  'captions of videos': [{kind: 'video', table: 'clips.csv', clips: '.'}, ['a', 'clip']],
  subtitles: [{kind: 'storyboard', folder: 'boards'}, ['hello', 'there']],
};
for (const [name, [source, expected]] of Object.entries(cases))
  test(name, async () => {
    assert.equal(await words(source), expected);
  });

test('Emu’s own text where a record has a picture and no other', async () => {
  const found = await words({kind: 'llava', files: 'turns.json', images: '.'});
  for (const word of ['presented', 'image', 'nobody']) assert.ok(found.includes(word), word);
});

test('several sources together; none where nobody asks', async () => {
  const table = {kind: 'pairs', folder: 'table'};
  const files = {kind: 'pairs', folder: 'files'};
  assert.equal(await words(table, files), [',', '.', 'a', 'cat', 'dogs', 'two']);
  const {sources} = withFullPaths(dataSpec.parse({sources: [table]}), folder);
  assert.equal((await describeSources(sources, false)).words, []);
});

test.run();
