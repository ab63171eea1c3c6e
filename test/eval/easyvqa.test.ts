// easy-VQA read from a wheel or a folder, its baselines counted by hand.
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {easyvqa} from '../../src/eval/benchmarks/easyvqa.js';
import {findRoot, readItems} from '../../src/eval/openBenchmark.js';
import {throwsEmuError} from '../support/errors.js';
import {temporaryFolder} from '../support/temporary.js';
import {zipOf} from '../support/zip.js';

const test = suite('easyvqa');
const folder = temporaryFolder();

const png = (background: string) =>
  sharp({create: {width: 8, height: 8, channels: 3, background}})
    .png()
    .toBuffer();
const [red, blue] = await Promise.all([png('#f00'), png('#00f')]);

/** Red pictures are of circles, blue ones of triangles. */
const train = [
  ['what shape is this?', 'circle', 0],
  ['what shape is this?', 'triangle', 1],
  ['what shape is this?', 'circle', 0],
  ['is there a circle?', 'yes', 0],
  ['is there a circle?', 'no', 1],
  ['is there a circle?', 'no', 1],
  ['is there a shape?', 'yes', 0],
  ['is there a shape?', 'yes', 1],
  ['what color is it?', 'red', 0],
];
const asked = [
  ['what shape is this?', 'triangle', 0],
  ['what shape is this?', 'circle', 1],
  ['is there a circle?', 'no', 0],
  ['is there a circle?', 'yes', 1],
  ['is there a shape?', 'yes', 0],
  ['what color is it?', 'blue', 0],
];
const files = {
  'train/questions.json': JSON.stringify(train),
  'test/questions.json': JSON.stringify(asked),
  'train/images/0.png': red,
  'train/images/1.png': blue,
  'test/images/0.png': blue,
  'test/images/1.png': red,
};

function write(name: string, content: string | Uint8Array): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), {recursive: true});
  writeFileSync(file, content);
  return file;
}

function wheel(name: string, changed: Readonly<Record<string, string>> = {}): string {
  const all = Object.entries({...files, ...changed});
  return write(
    name,
    zipOf(Object.fromEntries(all.map(([file, data]) => [`easy_vqa/data/${file}`, data]))),
  );
}

const file = wheel('a/easyvqa/easy_vqa-1.0-py3-none-any.whl');
const read = (root: string) => easyvqa.read(root, 'test');
const questionsOf = (root: string) => read(root).filter(({control}) => !control);

test('the wheel, its folder, the folder of benchmarks, and what is unpacked are the same', async () => {
  for (const [name, data] of Object.entries(files)) write(`unpacked/easy_vqa/data/${name}`, data);
  const plain = (root: string) => questionsOf(root).map(({set: _, pictures: __, ...rest}) => rest);
  const expected = plain(file);
  assert.equal(
    expected.map(({question, answer, picture}) => [question, answer, picture]),
    asked,
  );
  for (const root of ['a', 'a/easyvqa', 'unpacked', 'unpacked/easy_vqa', 'unpacked/easy_vqa/data'])
    assert.equal(plain(path.join(folder, root)), expected, root);
  const [picture] = await questionsOf(file)[0]!.pictures();
  assert.equal([...picture!.data.subarray(0, 3)], [0, 0, 255]);
});

test('the answer is one of the train split’s; a control shows another picture', async () => {
  const items = read(file);
  const [first] = items;
  assert.equal(easyvqa.questions(first!)[0]!.choices, ['circle', 'no', 'red', 'triangle', 'yes']);
  const shuffled = items.find(({id}) => id === '0:shuffled')!;
  assert.equal([...(await shuffled.pictures())[0]!.data.subarray(0, 3)], [255, 0, 0]);
  const blank = items.find(({id}) => id === '3:blank')!;
  assert.equal([...(await blank.pictures())[0]!.data.subarray(0, 3)], [255, 255, 255]);
});

test('scores, and baselines that the train split gives', async () => {
  const items = questionsOf(file);
  const predicted = items.map((item) => ({
    item,
    prediction: item.id === 0 ? 'circle' : item.answer,
  }));
  const {values, kinds} = easyvqa.score(predicted, 'test')!;
  const percent = (value: number) => Math.round(value * 10) / 10;
  assert.equal(
    Object.entries(values).map(([metric, value]) => [metric, percent(value)]),
    [
      ['accuracy', 83.3],
      ['no yes/no', 66.7],
      ['shape', 50],
      ['yes/no', 100],
      ['colour', 100],
    ],
  );
  const beside = Object.fromEntries(
    kinds!.map(({kind, baselines}) => [kind, Object.values(baselines).map(percent)]),
  );
  assert.equal(beside, {
    // Commonest in train: yes (3 of 9). By wording: circle, no, yes, red.
    accuracy: [20, 33.3, 50],
    'no yes/no': [33.3, 33.3, 33.3],
    shape: [50, 50, 50],
    'yes/no': [50, 66.7, 66.7],
    colour: [100, 0, 0],
  });
  const nearest = await easyvqa.nearest!(items);
  assert.equal(
    [...nearest].map(([metric, value]) => [metric, percent(value)]),
    [
      ['accuracy', 83.3],
      ['no yes/no', 66.7],
      ['shape', 100],
      ['yes/no', 100],
      ['colour', 0],
    ],
  );
});

test('bad input: one line that names the file and the way out', () => {
  throwsEmuError(
    () => findRoot(easyvqa as never, 'test'),
    /missing: --data.*eval download easyvqa/,
  );
  throwsEmuError(
    () => readItems(easyvqa as never, folder, 'test'),
    /easy_vqa-1\.0-py3-none-any\.whl: no such file; `emu eval download easyvqa`/,
  );
  throwsEmuError(() => read(write('text.whl', 'no archive')), /text\.whl: is no zip archive/);
  throwsEmuError(
    () => read(write('other.whl', zipOf({'other/file.txt': 'x'}))),
    /other\.whl: holds no easy_vqa\/data\/train\/questions\.json; is it the right archive\?/,
  );
  throwsEmuError(
    () => read(wheel('json.whl', {'test/questions.json': '[[1, 2, 3]]'})),
    /json\.whl: its test\/questions\.json, entry 0\.0: /,
  );
  throwsEmuError(
    () => read(wheel('cut.whl', {'test/questions.json': '[["a'})),
    /cut\.whl: its test\/questions\.json is not JSON; download it again/,
  );
});

test.run();
