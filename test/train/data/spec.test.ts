import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {parse} from 'yaml';
import {processImage} from '../../../src/data/preprocess.js';
import {Random} from '../../../src/random.js';
import {openDataset} from '../../../src/train/data/openDataset.js';
import {dataSpec, withFullPaths} from '../../../src/train/data/spec.js';
import {folder, png, tarOf, write, writeLines} from '../../data/datasets/support.js';
import {fixtureBytes} from '../../data/fixtures.js';

const test = suite('data of a recipe');

const yaml = `
mix: perStep
pack: 2
sources:
  - {kind: webdataset, shards: 'tars/{0..1}.tar', weight: 128, batch: 128}
  - {kind: pairs, folder: pairs}
  - {kind: mmc4, files: [mmc4.jsonl], images: images, subsequences: 0.5}
  - {kind: obelics, files: obelics.jsonl, images: images}
  - {kind: video, table: clips.csv, clips: clips, frames: 2}
  - {kind: storyboard, folder: boards}
  - {kind: llava, files: llava.json, images: images}
  - {kind: sharegpt, files: sharegpt.jsonl}
  - {kind: alpaca, files: alpaca.json, system: Be kind.}
  - {kind: plugin, module: plugin.mjs, options: {word: hello}}
`;

async function writeAll(): Promise<void> {
  const picture = await png(50);
  for (const i of [0, 1])
    write(
      `tars/${i}.tar`,
      tarOf([
        {name: 'a.png', content: picture},
        {name: 'a.txt', content: 'tar'},
      ]),
    );
  write('pairs/a.png', picture);
  write('pairs/a.txt', 'pair');
  write('images/a.png', picture);
  const info = {image_name: 'a.png', matched_text_index: 0, matched_sim: 0.5};
  writeLines('mmc4.jsonl', [{text_list: ['mmc4'], image_info: [info]}]);
  writeLines('obelics.jsonl', [{images: ['a.png'], texts: [null]}]);
  write('clips/1.mp4', fixtureBytes('anim-rocket.gif'));
  write('clips.csv', 'videoid,name\n1,clip\n');
  write('boards/v/0.png', picture);
  write('boards/v/a.srt', '1\n00:00:01,000 --> 00:00:02,000\nboard\n');
  const turns = [
    {from: 'human', value: 'a'},
    {from: 'gpt', value: 'b'},
  ];
  write('llava.json', JSON.stringify([{image: 'a.png', conversations: turns}]));
  writeLines('sharegpt.jsonl', [{conversations: turns}]);
  write('alpaca.json', JSON.stringify([{instruction: 'a', output: 'b'}]));
  write(
    'plugin.mjs',
    `export const openDataset = ({word}, {imageSize}) => ({
  name: 'plug-in',
  size: Infinity,
  read: async () => ({name: 'x', parts: [{type: 'text', text: word + imageSize}]}),
  close() {},
});`,
  );
}

test('every kind of source opens as the recipe describes it', async () => {
  await writeAll();
  const data = withFullPaths(dataSpec.parse(parse(yaml)), folder);
  const prepare = (picture: Parameters<typeof processImage>[0]) => ({
    pixels: processImage(picture, 4),
  });
  const said: string[] = [];
  for (const spec of data.sources) {
    const dataset = await openDataset(spec, {imageSize: 4, prepare, seed: 1});
    const {parts} = await dataset.read(0, new Random(1));
    for (const part of parts) if (part.type === 'picture') assert.is(part.pixels.length, 48);
    const pictures = parts.filter(({type}) => type === 'picture').length;
    const text = parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('');
    said.push(`${spec.kind} ${dataset.size} ${pictures} ${text.slice(-30)}`);
    dataset.close();
  }
  assert.equal(said, [
    'webdataset 2 1 tar</s>',
    'pairs 1 1 pair</s>',
    'mmc4 1 1 mmc4</s>',
    'obelics 1 1 </s>',
    'video 1 2 clip</s>',
    'storyboard 1 1 board</s>',
    'llava 1 1 . [USER]: a [ASSISTANT]: b</s>',
    'sharegpt 1 0 [USER]: a [ASSISTANT]: b</s>',
    'alpaca 1 0 . [USER]: a [ASSISTANT]: b</s>',
    'plugin Infinity 0 hello4',
  ]);
});

test('defaults are the paper’s', () => {
  const [shards, , mmc4, , clips] = dataSpec.parse(parse(yaml)).sources;
  assert.is(shards?.kind === 'webdataset' && shards.order, 'random');
  assert.is(mmc4?.kind === 'mmc4' && mmc4.minSimilarity, 0.32);
  assert.is(mmc4?.kind === 'mmc4' && mmc4.maxImages, 5);
  assert.equal(mmc4?.kind === 'mmc4' && [mmc4.maxTokens, mmc4.subsequenceTokens], [1024, 512]);
  const video = dataSpec.parse({sources: [{...clips, frames: undefined}]}).sources[0];
  assert.is(video?.kind === 'video' && video.frames, 8);
});

test('mistakes are named', () => {
  const problem = (text: string) => dataSpec.safeParse(parse(text)).error?.issues[0]?.message;
  assert.match(problem('sources: []')!, /Too small/);
  assert.match(problem('sources: [{kind: laion}]')!, /Invalid/);
  assert.match(
    problem('sources: [{kind: pairs, folder: a, wieght: 2}]')!,
    /Unrecognized key: "wieght"/,
  );
  assert.match(problem('sources: [{kind: pairs, folder: a, weight: 0}]')!, /Too small/);
  assert.match(problem('sources: [{kind: pairs, folder: a, batch: 2}]')!, /only with mix: perStep/);
});

test('files are named in full, wherever the run is resumed', () => {
  const {sources} = withFullPaths(dataSpec.parse(parse(yaml)), '/data');
  assert.is((sources[0] as {shards: string}).shards, '/data/tars/{0..1}.tar');
  assert.equal((sources[2] as {files: string[]}).files, ['/data/mmc4.jsonl']);
  assert.is((sources[4] as {clips: string}).clips, path.resolve('/data/clips'));
  assert.is((sources[8] as {system: string}).system, 'Be kind.');
  const absolute = dataSpec.parse({sources: [{kind: 'pairs', folder: '/elsewhere'}]});
  assert.is((withFullPaths(absolute, '/data').sources[0] as {folder: string}).folder, '/elsewhere');
});

test.run();
