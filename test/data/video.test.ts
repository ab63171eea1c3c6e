// Both ways to run ffmpeg, each with every ffmpeg of this machine, pass the same tests.
import {chmodSync, copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {findFfmpeg, type RunFfmpeg, runFfmpeg} from '../../src/data/ffmpeg.js';
import {runFluentFfmpeg} from '../../src/data/fluentFfmpeg.js';
import {readImage} from '../../src/data/image.js';
import type {Picture} from '../../src/data/picture.js';
import {frameIndices, readFrames} from '../../src/data/video.js';
import {skip} from '../support/skip.js';
import {expectEmuError, expectInputError, fixture, fixtureBytes} from './fixtures.js';

const test = suite('readFrames');
const folder = mkdtempSync(path.join(tmpdir(), 'emu-test-video-'));
const temporary = (name: string) => path.join(folder, name);
test.after(() => rmSync(folder, {recursive: true}));

function write(name: string, bytes: Uint8Array | string): string {
  writeFileSync(temporary(name), bytes);
  return temporary(name);
}

/** Runs ffmpeg for its output file: what the tests need beyond the fixtures. */
async function make(name: string, input: string, options: string[]): Promise<string> {
  const chunks: Buffer[] = [];
  const {isOk, stderr} = await runFfmpeg(findFfmpeg().path, {
    input,
    inputOptions: [],
    outputOptions: options,
    onData: (chunk) => chunks.push(chunk),
    timeoutMs: 60_000,
  });
  assert.ok(isOk, stderr);
  return write(name, Buffer.concat(chunks));
}

function difference(a: Picture, b: Picture): number {
  assert.equal([a.width, a.height], [b.width, b.height]);
  return a.data.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b.data[i]!)), 0);
}

// Name, frames, size and mean of all pixels of the 8 frames by decord 0.6.0 (PyPI wheel).
const clips: [string, number, number, number, string][] = [
  ['city-cc0.mp4', 38, 160, 90, '109.960532'],
  ['city-cc0.webm', 25, 160, 90, '110.336528'],
  ['bunny-ccby.mp4', 25, 160, 90, '108.105587'],
];

const mean = (frames: Picture[]) => {
  const sums = frames.map(({data}) => data.reduce((sum, value) => sum + value, 0));
  const length = frames.reduce((sum, {data}) => sum + data.length, 0);
  return sums.reduce((sum, value) => sum + value, 0) / length;
};

const programs = new Map([['packaged', findFfmpeg({PATH: ''}).path]]);
const inSystem = findFfmpeg({...process.env, FFMPEG_PATH: ''});
if (inSystem.origin === 'PATH') programs.set('system', inSystem.path);
const runners: Record<string, RunFfmpeg> = {spawn: runFfmpeg, fluent: runFluentFfmpeg};

for (const [program, ffmpeg] of programs) {
  for (const [runner, run] of Object.entries(runners)) {
    const use = {ffmpeg, run};
    const name = (what: string) => `${program} ffmpeg by ${runner}: ${what}`;

    for (const [file, numFrames, width, height, expected] of clips) {
      test(name(`${file} gives decord's frames`), async () => {
        const frames = await readFrames(fixture(file), {...use, count: 8});
        assert.is(frames.length, 8);
        for (const frame of frames) assert.equal([frame.width, frame.height], [width, height]);
        assert.is(mean(frames).toFixed(6), expected);
        assert.is(new Set(frameIndices(numFrames, 8)).size, new Set(frames).size);
      });
    }

    test(name('errors are one line'), async () => {
      const text = write('notes.txt', 'these are\nno moving pictures\n'.repeat(100));
      await expectInputError(readFrames(text, use), text, /is not a video/);
      const rubbish = write(
        'noise.mp4',
        Uint8Array.from({length: 9000}, (_, i) => (i * 31) % 251),
      );
      await expectInputError(readFrames(rubbish, use), rubbish, /is not a video/);
      const sound = await make('sound.wav', fixture('city-cc0.mp4'), [
        ...['-f', 'lavfi', '-i', 'sine=d=1', '-map', '1:a', '-f', 'wav'],
      ]);
      await expectInputError(readFrames(sound, use), sound, /has no video in it/);
      const missing = temporary('missing.mp4');
      await expectInputError(readFrames(missing, use), missing, /no such file/);
      await expectInputError(readFrames(folder, use), folder, /is a directory/);
      const empty = write('empty.mp4', '');
      await expectInputError(readFrames(empty, use), empty, /is empty/);
    });

    test(name('a playlist is no video'), async () => {
      const other = fixture('city-cc0.mp4');
      const concat = write('list.ffconcat', `ffconcat version 1.0\nfile '${other}'\n`);
      await expectInputError(readFrames(concat, use), concat, /Operation not permitted/);
      const start = '#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n';
      const hls = write('list.m3u8', `${start}${other}\n#EXT-X-ENDLIST\n`);
      await expectInputError(readFrames(hls, use), hls, /is a playlist, not a video/);
    });

    for (const [file, share] of [
      ['city-cc0.webm', 0.5],
      ['bunny-ccby.mp4', 0.8],
    ] as const) {
      test(name(`${file} cut off at ${share} is an error`), async () => {
        const bytes = fixtureBytes(file);
        const cut = write(`cut-${file}`, bytes.subarray(0, bytes.length * share));
        await expectInputError(readFrames(cut, use), cut, /is cut off/);
      });
    }

    test(name('an aborted signal ends ffmpeg'), async () => {
      const reason = new Error('stopped by the test');
      const long = await longVideo();
      const controller = new AbortController();
      // Soon enough for a machine that decodes the whole clip in a tenth of a second.
      setTimeout(() => controller.abort(reason), 30);
      const started = performance.now();
      const options = {...use, count: 1000, signal: controller.signal};
      const error = await readFrames(long, options).catch((caught) => caught);
      assert.is(error, reason);
      assert.ok(performance.now() - started < 3000);
      const before = {...use, signal: AbortSignal.abort(reason)};
      assert.is(await readFrames(long, before).catch((caught) => caught), reason);
    });

    test(name('the time limit ends ffmpeg'), async () => {
      const long = await longVideo();
      const reading = readFrames(long, {...use, timeoutMs: 20});
      await expectInputError(reading, long, /takes longer than 0.02 s to decode/);
    });

    if (program !== 'packaged') continue; // the rest does not depend on the version

    test(name('the frames are those of the given numbers'), async () => {
      const all = await readFrames(fixture('city-cc0.mp4'), {...use, count: 38});
      const some = await readFrames(fixture('city-cc0.mp4'), {...use, count: 8});
      const at = frameIndices(38, 38);
      for (const [i, number] of frameIndices(38, 8).entries()) {
        const position = at.indexOf(number);
        if (position >= 0) assert.is(difference(some[i]!, all[position]!), 0);
      }
      assert.ok(difference(some[0]!, some[7]!) > 20, 'frames differ');
    });

    test(name('more frames than there are: some repeat'), async () => {
      const short = await make('two.mp4', fixture('city-cc0.mp4'), [
        ...['-frames:v', '2', '-c', 'copy', '-movflags', 'frag_keyframe+empty_moov', '-f', 'mp4'],
      ]);
      const frames = await readFrames(short, {...use, count: 8});
      const first = frames[0]!;
      assert.equal(
        frames.map((frame) => (frame === first ? 0 : 1)),
        frameIndices(2, 8),
      );
    });

    test(name('names with spaces, quotes, colons and dashes'), async () => {
      for (const odd of ['a b.mp4', "it's.mp4", 'http:x.mp4', '-y.mp4', '猫%d.mp4']) {
        copyFileSync(fixture('city-cc0.mp4'), temporary(odd));
        assert.is((await readFrames(temporary(odd), {...use, count: 1})).length, 1, odd);
      }
    });

    test(name('too large frames'), async () => {
      const file = fixture('city-cc0.mp4');
      const reading = readFrames(file, {...use, maxPixels: 14_399});
      await expectInputError(reading, file, /too large frames \(160 x 90/);
    });
  }
}

let long: Promise<string> | undefined;
/** 24 s of 640x360 at 50 frames a second: takes ffmpeg longer than the limits of the tests. */
function longVideo(): Promise<string> {
  long ??= make('long.mkv', fixture('city-cc0.mp4'), [
    ...['-f', 'lavfi', '-i', 'testsrc=d=24:s=640x360:r=50', '-map', '1:v'],
    ...['-c:v', 'mpeg4', '-q:v', '20', '-f', 'matroska'],
  ]);
  return long;
}

test('bytes and data: URLs go through a file that is removed again', async () => {
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('emu-video-'));
  const expected = await readFrames(fixture('city-cc0.mp4'), {count: 2});
  const bytes = fixtureBytes('city-cc0.mp4');
  assert.equal(await readFrames(bytes, {count: 2}), expected);
  const url = `data:video/mp4;base64,${Buffer.from(bytes).toString('base64')}`;
  assert.equal(await readFrames(url, {count: 2}), expected);
  const cut = bytes.subarray(0, 3000);
  await expectInputError(readFrames(cut), 'data of 3000 bytes', /is cut off/);
  const after = readdirSync(tmpdir()).filter((name) => name.startsWith('emu-video-'));
  assert.equal(after, before);
});

test('a turned video is turned back unless told not to', async () => {
  const turned = temporary('turned.mp4');
  // The matrix of the track header: 65536 0 0 / 0 65536 0 -> 0 65536 0 / -65536 0 0.
  const bytes = Buffer.from(fixtureBytes('city-cc0.mp4'));
  const header = bytes.indexOf('tkhd') + 4;
  const matrix = header + (bytes[header] === 1 ? 52 : 40);
  assert.is(bytes.readInt32BE(matrix), 65536);
  for (const [i, value] of [0, 65536, 0, -65536, 0].entries()) {
    bytes.writeInt32BE(value, matrix + 4 * i);
  }
  writeFileSync(turned, bytes);
  const [upright] = await readFrames(turned, {count: 1});
  assert.equal([upright!.width, upright!.height], [90, 160]);
  const [stored] = await readFrames(turned, {count: 1, useExif: false});
  assert.equal([stored!.width, stored!.height], [160, 90]);
});

for (const [file, numFrames] of [
  ['anim-rocket.gif', 24],
  ['anim-cat.webp', 72],
] as const) {
  test(`${file}: frames by the same rule`, async () => {
    const frames = await readFrames(fixture(file), {count: 8});
    assert.is(new Set(frames).size, 8);
    const all = await sharp(fixture(file), {pages: -1}).ensureAlpha().raw().toBuffer();
    const length = all.length / numFrames;
    for (const [i, number] of frameIndices(numFrames, 8).entries()) {
      const page = all.subarray(number * length, (number + 1) * length);
      frames[i]!.data.forEach((value, at) => {
        const inPage = 4 * Math.trunc(at / 3);
        if (page[inPage + 3] !== 0 || file.endsWith('webp')) {
          assert.is(value, page[inPage + (at % 3)], `frame ${number}`);
        }
      });
    }
  });
}

test('a still picture is a video of one frame', async () => {
  for (const file of ['anim-soccer.webp', 'cat.jpg']) {
    const frames = await readFrames(fixture(file), {count: 8});
    assert.is(frames.length, 8);
    assert.is(new Set(frames).size, 1);
    assert.equal(frames[0], await readImage(fixture(file)));
  }
});

test('counts that are none', async () => {
  for (const count of [0, -1, 1.5, Number.NaN, 1025]) {
    const error = await expectEmuError(readFrames(fixture('cat.jpg'), {count}), 'bad_option');
    assert.is(error.exitCode, 2);
  }
});

test('no ffmpeg: what to do', async () => {
  const nowhere = temporary('nowhere');
  const find = (env: NodeJS.ProcessEnv, packaged?: string) => async () =>
    findFfmpeg(env, packaged ?? nowhere);
  const inPath = {FFMPEG_PATH: '', PATH: folder};
  const error = await expectEmuError(find(inPath)(), 'no_ffmpeg');
  assert.match(error.message, /install ffmpeg .* or set FFMPEG_PATH/);
  const chosen = await expectEmuError(find({FFMPEG_PATH: nowhere})(), 'no_ffmpeg');
  assert.match(chosen.message, /FFMPEG_PATH is .*nowhere, which is no program/);
  const reading = readFrames(fixture('city-cc0.mp4'), {ffmpeg: nowhere});
  await expectEmuError(reading, 'no_ffmpeg');
});

test('the packaged ffmpeg is made executable', () => {
  const packaged = write('ffmpeg-packaged', '#!/bin/sh\n');
  chmodSync(packaged, 0o644);
  const found = findFfmpeg({PATH: ''}, packaged);
  assert.equal(found, {path: packaged, origin: '@ffmpeg-installer/ffmpeg'});
});

test('FFMPEG_PATH before PATH before the package', () => {
  const {path: packaged} = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg');
  const inFolder = write('ffmpeg', '#!/bin/sh\n');
  chmodSync(inFolder, 0o755);
  assert.is(findFfmpeg({PATH: folder}).origin, 'PATH');
  assert.is(findFfmpeg({PATH: folder}).path, inFolder);
  assert.is(findFfmpeg({PATH: folder, FFMPEG_PATH: packaged}).origin, 'FFMPEG_PATH');
  assert.is(findFfmpeg({PATH: ''}).path, packaged);
});

if (!programs.has('system')) {
  skip(test, "the system's ffmpeg", 'there is none in PATH; the packaged one was tested');
}

test.run();
