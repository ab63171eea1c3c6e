// Clips with captions, and storyboards.
import {copyFileSync, mkdirSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {randomFrames} from '../../../src/data/datasets/media.js';
import {openStoryboard} from '../../../src/data/datasets/storyboard.js';
import {readSubtitles} from '../../../src/data/datasets/subtitles.js';
import {openVideoText} from '../../../src/data/datasets/videoText.js';
import {readFrames} from '../../../src/data/video.js';
import {Random} from '../../../src/random.js';
import {throwsEmuError} from '../../support/errors.js';
import {expectInputError, fixture} from '../fixtures.js';
import {folder, png, prepare, read, write, writeLines} from './support.js';

const test = suite('videos');
const clips = path.join(folder, 'clips');

test('random frames: ascending, distinct, evenly likely', () => {
  const counts = new Array<number>(20).fill(0);
  for (let seed = 0; seed < 2000; seed++) {
    const chosen = randomFrames(20, 8, new Random(seed));
    assert.is(new Set(chosen).size, 8);
    assert.equal(
      chosen,
      [...chosen].sort((a, b) => a - b),
    );
    for (const frame of chosen) counts[frame]!++;
  }
  // 800 each; five standard deviations of a binomial are 110.
  for (const count of counts) assert.ok(Math.abs(count - 800) < 110, counts.join(' '));
  assert.equal(randomFrames(3, 3, new Random(1)), [0, 1, 2]);
  assert.equal(randomFrames(2, 5, new Random(1)), [0, 0, 0, 1, 1]);
});

test('readFrames takes the frames it is told to', async () => {
  const file = fixture('city-cc0.mp4');
  const options = {count: 3, choose: (numFrames: number) => [0, 5, numFrames - 1]};
  const chosen = await readFrames(file, options);
  const all = await readFrames(file, {
    count: 38,
    choose: (n) => Array.from({length: n}, (_, i) => i),
  });
  assert.is(all.length, 38);
  for (const [i, number] of [0, 5, 37].entries()) assert.equal(chosen[i]!.data, all[number]!.data);
  const animation = await readFrames(fixture('anim-rocket.gif'), {count: 2, choose: () => [1, 1]});
  assert.is(animation[0], animation[1]);
});

test('WebVid-like: a CSV and a folder of clips', async () => {
  mkdirSync(path.join(clips, '0001_0050'), {recursive: true});
  copyFileSync(fixture('city-cc0.mp4'), path.join(clips, '0001_0050/77.mp4'));
  copyFileSync(fixture('anim-rocket.gif'), path.join(clips, '78.mp4'));
  const table = write(
    'webvid.csv',
    'videoid,contentUrl,duration,page_dir,name\n77,x,PT00H00M01S,0001_0050,"A city, at night"\n78,x,,,A rocket\n79,x,,,gone\n',
  );
  const dataset = await openVideoText({table, clips, frames: 3, order: 'pictureFirst', prepare});
  assert.is(dataset.size, 3);
  const first = await read(dataset, 0, 1);
  assert.equal(first.slice(3), ['A city, at night</s>']);
  assert.equal(await read(dataset, 0, 1), first);
  assert.not.equal(await read(dataset, 0, 2), first);
  assert.is((await read(dataset, 1)).length, 4);
  const missing = path.join(clips, '79.mp4');
  await expectInputError(read(dataset, 2), missing, /no such file/);
});

test('JSON lines of videos; a damaged one is named', async () => {
  mkdirSync(clips, {recursive: true});
  copyFileSync(fixture('city-cc0.webm'), path.join(clips, 'city.webm'));
  const noise = write(
    'clips/noise.mp4',
    Uint8Array.from({length: 5000}, (_, i) => (i * 31) % 251),
  );
  const table = writeLines('videos.jsonl', [
    {video: 'city.webm', caption: 'a city'},
    {video: 'noise.mp4', caption: 'noise'},
  ]);
  const dataset = await openVideoText({table, clips, frames: 2, prepare});
  const sides = await Promise.all([1, 2, 3, 4].map((seed) => read(dataset, 0, seed)));
  assert.ok(sides.some(([part]) => part === 'a city'));
  assert.ok(sides.some(([part]) => typeof part === 'number'));
  await expectInputError(read(dataset, 1), noise, /is not a video/);
});

test('subtitles: SubRip, WebVTT that rolls, JSON', () => {
  const srt = write(
    'a.srt',
    '1\r\n00:00:01,500 --> 00:00:03,000\r\n<i>Hello</i>\r\nthere.\r\n\r\n2\r\n01:02:03,25 --> 01:02:04,000\r\nLate.\r\n',
  );
  assert.equal(readSubtitles(srt), [
    {start: 1.5, text: 'Hello'},
    {start: 1.5, text: 'there.'},
    {start: 3723.25, text: 'Late.'},
  ]);
  const vtt = write(
    'a.vtt',
    'WEBVTT\nKind: captions\n\n00:01.000 --> 00:02.000 align:start\nso<00:01.5><c> we</c> &amp; you\n\n00:02.000 --> 00:03.000\nso we & you\nare here\n',
  );
  assert.equal(readSubtitles(vtt), [
    {start: 1, text: 'so we & you'},
    {start: 2, text: 'are here'},
  ]);
  const json = write('a.json', '[{"start": 5, "text": "b"}, {"start": 1, "text": " a "}]');
  assert.equal(readSubtitles(json), [
    {start: 1, text: 'a'},
    {start: 5, text: 'b'},
  ]);
  throwsEmuError(() => readSubtitles(write('none.srt', 'no times')), /holds no subtitles/);
  throwsEmuError(
    () => readSubtitles(write('bad.json', '[{"start": "x"}]')),
    /no list of subtitles/,
  );
  throwsEmuError(() => readSubtitles(write('cut.json', '[{"start"')), /is no JSON/);
});

test('a storyboard: pictures and subtitles merged by time', async () => {
  for (const [second, red] of [
    ['0', 1],
    ['10', 2],
    ['2.5', 3],
  ] as const)
    write(`storyboards/v1/${second}.png`, await png(red));
  write(
    'storyboards/v1/en.vtt',
    'WEBVTT\n\n00:00.000 --> 00:01.000\nat zero\n\n00:02.400 --> 00:03.000\nbefore\n\n00:03.000 --> 00:04.000\nafter [IMG]\n\n00:11.000 --> 00:12.000\nend\n',
  );
  const place = path.join(folder, 'storyboards');
  const dataset = await openStoryboard({folder: place, prepare});
  assert.is(dataset.size, 1);
  assert.equal(await read(dataset, 0), [1, 'at zero before', 3, 'after', 2, 'end</s>']);
});

test('a long storyboard: that many pictures in a row, from anywhere', async () => {
  for (let i = 0; i < 6; i++) write(`long/v/frame-${i}.png`, await png(i));
  const cues = Array.from({length: 6}, (_, i) => ({start: 2 * i + 1, text: `t${i}`}));
  write('long/v/subtitles.json', JSON.stringify(cues));
  const place = path.join(folder, 'long');
  const dataset = await openStoryboard({folder: place, frames: 2, secondsPerFrame: 2, prepare});
  const found = new Set<string>();
  for (let seed = 0; seed < 80; seed++) found.add((await read(dataset, 0, seed)).join(' '));
  assert.equal([...found].sort(), [
    '0 t0 1 t1',
    '1 t1 2 t2',
    '2 t2 3 t3',
    '3 t3 4 t4',
    '4 t4 5 t5</s>',
  ]);
});

test('a storyboard with a frames.json', async () => {
  write('listed/v/x.png', await png(1));
  write('listed/v/y.png', await png(2));
  write('listed/v/frames.json', '[{"file": "x.png", "time": 9}, {"file": "y.png", "time": 1}]');
  write('listed/v/subtitles.json', '[{"start": 2, "text": "between"}]');
  const dataset = await openStoryboard({folder: path.join(folder, 'listed'), prepare});
  assert.equal(await read(dataset, 0), [2, 'between', 1, '</s>']);
});

test('bad storyboards are named', async () => {
  write('bad/1-no-subtitles/0.png', await png(1));
  write('bad/2-no-time/a.png', await png(1));
  write('bad/3-no-pictures/a.srt', '');
  write('bad/4-empty/0.png', await png(1));
  write('bad/4-empty/a.srt', 'nothing');
  const place = path.join(folder, 'bad');
  const dataset = await openStoryboard({folder: place, prepare});
  assert.is(dataset.size, 4);
  const at = (name: string) => path.join(place, name);
  await expectInputError(read(dataset, 0), at('1-no-subtitles'), /has no subtitles/);
  await expectInputError(read(dataset, 1), at('2-no-time/a.png'), /is not named by its second/);
  await expectInputError(read(dataset, 2), at('3-no-pictures'), /holds no pictures/);
  await expectInputError(read(dataset, 3), at('4-empty/a.srt'), /holds no subtitles/);
  const none = openStoryboard({folder: at('4-empty'), prepare});
  await expectInputError(none, at('4-empty'), /holds no folders/);
});

test.run();
