// Pictures as vectors, and the index of a folder's.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import tf from '#tfjs';
import {readImage} from '../../src/data/image.js';
import {Emu, type Item} from '../../src/emu.js';
import {cosine} from '../../src/eval/metrics/cosine.js';
import {readShown} from '../../src/eval/readShown.js';
import {findPictures} from '../../src/eval/shots/findPictures.js';
import {buildIndex, type Embedder, readIndex} from '../../src/eval/shots/pictureIndex.js';
import {vectorsByFile} from '../../src/eval/shots/shots.js';
import {fixture} from '../cli/runEmu.js';
import {throwsEmuError} from '../support/errors.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('index of pictures');
const folder = temporaryFolder();
const pictures = path.join(folder, 'pictures');
mkdirSync(path.join(pictures, 'more'), {recursive: true});
for (const name of ['cat.jpg', 'coffee.png', 'rocket.jpg', 'truncated.jpg', 'bunny-ccby.mp4'])
  copyFileSync(fixture(name), path.join(pictures, name));
copyFileSync(fixture('horse-alpha.png'), path.join(pictures, 'more', 'a horse.png'));
writeFileSync(path.join(pictures, 'notes.txt'), 'no picture');

let emu: Emu;
test.before(async () => {
  emu = await Emu.load('emu-mini');
});
test.after(() => emu.close());

const bits = (vector: Float32Array) =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('hex');
const shown = async (name: string): Promise<Item> => ({
  type: 'image',
  picture: await readImage(fixture(name)),
});

test('vectors have length 1 and the same bits alone and together; a video is its frames', async () => {
  const items = await Promise.all(['cat.jpg', 'coffee.png', 'rocket.jpg', 'cat.jpg'].map(shown));
  const before = tf.memory().numTensors;
  const together = emu.embed(items);
  assert.is(tf.memory().numTensors, before);
  assert.equal(
    together.map(({length}) => length),
    [192, 192, 192, 192],
  );
  for (const [i, vector] of together.entries()) {
    assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-6);
    assert.is(bits(emu.embed([items[i]!])[0]!), bits(vector));
  }
  const [cat, coffee] = together;
  assert.ok(cosine(cat!, coffee!) < 0.99);
  const frames = items.slice(0, 2).flatMap((item) => (item.type === 'image' ? [item.picture] : []));
  const [video] = emu.embed([{type: 'video', frames}]);
  assert.ok(cosine(video!, cat!) > cosine(coffee!, cat!));
  throwsEmuError(() => emu.embed([{type: 'text', text: 'a cat'}]), /expected pictures and videos/);
});

test('pictures are found by what they hold', () => {
  assert.equal(findPictures(pictures), {
    pictures: ['cat.jpg', 'coffee.png', 'more/a horse.png', 'rocket.jpg', 'truncated.jpg'],
    videos: 1,
    others: 1,
  });
  throwsEmuError(() => findPictures(path.join(folder, 'none')), /no such file/);
  throwsEmuError(() => findPictures(fixture('cat.jpg')), /is a file; name the folder/);
});

/** Counts what is embedded; `stopAfter` calls it throws. */
function embedder(stopAfter = Number.POSITIVE_INFINITY): Embedder & {count: number} {
  let calls = 0;
  return {
    count: 0,
    ...{model: 'emu-mini', visionId: emu.visionId(), imageSize: 64},
    async embed(items) {
      if (++calls > stopAfter) throw new Error('stopped');
      this.count += items.length;
      return emu.embed(items);
    },
  };
}

const file = path.join(folder, 'index.safetensors');
const build = (by: Embedder, out = file, names = findPictures(pictures).pictures) =>
  buildIndex({
    ...{file: out, folder: pictures, names, embedder: by, batch: 2, saveEvery: 0},
    read: (picture) => readShown(picture, 'picture', 64),
  });

test('an index goes on where it was stopped, and looks at what has changed', async () => {
  const whole = embedder();
  const {index, unreadable} = await build(whole);
  assert.equal([whole.count, unreadable], [4, ['truncated.jpg']]);
  const names = ['cat.jpg', 'coffee.png', 'more/a horse.png', 'rocket.jpg'];
  assert.equal([...index.vectors.keys()], names);
  assert.equal(readIndex(file), index);

  const other = path.join(folder, 'stopped.safetensors');
  const stopped = await build(embedder(1), other).catch((error: Error) => error.message);
  assert.is(stopped, 'stopped');
  assert.not.ok(existsSync(other));
  const rest = embedder();
  assert.is((await build(rest, other)).reused, 2);
  assert.is(rest.count, 2);
  assert.equal(readFileSync(other), readFileSync(file));
  assert.not.ok(existsSync(`${other}.part`));

  utimesSync(path.join(pictures, 'cat.jpg'), 1, 1);
  const again = embedder();
  assert.is((await build(again)).reused, 3);
  assert.is(again.count, 1);
  const fewer = await build(embedder(), file, ['rocket.jpg']);
  assert.equal([...fewer.index.vectors.keys()], ['rocket.jpg']);
});

test('an index of another vision encoder, and what is none, are refused', async () => {
  const index = {...readIndex(file), visionId: 'another'};
  throwsEmuError(
    () => vectorsByFile(file, index, embedder()),
    /made by the vision encoder of another model \(emu-mini\); make it again/,
  );
  throwsEmuError(() => readIndex(fixture('cat.jpg')), /cat\.jpg: is no index of pictures/);
  throwsEmuError(() => readIndex(path.join(folder, 'none')), /no such file; make it with/);
});

test.run();
