// Prompts with examples: where they come from, which are taken, how they are told, and what does not fit.
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {shotsRequest} from '../../src/cli/shotFlags.js';
import type {Item} from '../../src/emu.js';
import type {Benchmark, BenchmarkItem} from '../../src/eval/benchmark.js';
import {benchmarks} from '../../src/eval/benchmarks/index.js';
import {captionQuestion, shortQuestion} from '../../src/eval/benchmarks/officialPrompts.js';
import {fewShotPrompt} from '../../src/eval/evalPrompt.js';
import {Shots, type ShotsModel, type ShotsOptions} from '../../src/eval/shots/shots.js';
import {readSupport} from '../../src/eval/shots/supportSet.js';
import {throwsEmuError} from '../support/errors.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('examples in prompts');
const root = temporaryFolder();

function write(name: string, content: unknown): void {
  const file = path.join(root, name);
  mkdirSync(path.dirname(file), {recursive: true});
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
}

const question = shortQuestion('what is it?');
const short = (text: string) =>
  `based on the content of the image and common sense, please provide an accurate answer consisting of only one word or phrase. ${text}`;

test('a pretrained model reads examples and question as one text', () => {
  const before = (isShown: boolean) => ({question, answer: 'a cat.', isShown});
  assert.is(
    fewShotPrompt([before(true)], question, 'pretrain'),
    '{IMAGE} based on the picture, what is it? short answer: a cat. {IMAGE} based on the picture, what is it? short answer:',
  );
  assert.is(
    fewShotPrompt([before(false)], question, 'pretrain'),
    'based on the picture, what is it? short answer: a cat. {IMAGE} based on the picture, what is it? short answer:',
  );
  const caption = {question: captionQuestion(), answer: 'a cat', isShown: true};
  assert.is(
    fewShotPrompt([caption], captionQuestion(), 'pretrain'),
    '{IMAGE} describing the image in detail. the image shows a cat. {IMAGE} describing the image in detail. the image shows',
  );
});

test('for an instruct model examples are turns, without a system text', () => {
  const before = (isShown: boolean) => ({question, answer: 'cat', isShown});
  const asked = `[USER]: {IMAGE} ${short('what is it?')} [ASSISTANT]: the answer is:`;
  assert.is(fewShotPrompt([before(true)], question, 'instruct'), `${asked} cat.</s> ${asked}`);
  assert.is(
    fewShotPrompt([before(false)], question, 'instruct'),
    `${asked.replace('{IMAGE} ', '')} cat.</s> ${asked}`,
  );
  const search = question.search;
  const dialog = {text: '{IMAGE}</s> [USER]: who?', plain: ' who?', search};
  assert.is(
    fewShotPrompt([{question: dialog, answer: 'he', isShown: false}], dialog, 'instruct'),
    '[USER]: who? [ASSISTANT]: he.</s> [USER]: {IMAGE}</s> [USER]: who? [ASSISTANT]:',
  );
});

write('coco/annotations/coco_karpathy_train.json', [
  {
    image: 'train2014/COCO_train2014_000000000009.jpg',
    caption: 'A Cat. It sits',
    image_id: 'coco_9',
  },
  {image: 'train2014/COCO_train2014_000000000009.jpg', caption: 'other', image_id: 'coco_9'},
  {image: 'val2014/COCO_val2014_000000000010.jpg', caption: 'a dog', image_id: 'coco_10'},
]);
const vqaTrain = [
  {question_id: 5, question: 'how many?', image: 'train2014/a.jpg', answer: ['1', '2', '2']},
  {question_id: 6, question: 'which?', image: 'train2014/a.jpg', answer: ['red']},
  {question_id: 7, question: 'where?', image: 'train2014/b.jpg', answer: ['here']},
];
write('coco/annotations/vqa_train.json', vqaTrain);
write('okvqa/annotations/okvqa_train.json', vqaTrain);
const ten = (answer: string) => Array.from({length: 10}, () => ({answer}));
write('vizwiz/annotations/train.json', [
  {image: 'VizWiz_train_0.jpg', question: 'what?', answers: ten('tea'), answer_type: 'other'},
  {
    image: 'VizWiz_train_1.jpg',
    question: 'why?',
    answers: ten('unanswerable'),
    answer_type: 'unanswerable',
  },
]);
write('flickr30k/dataset_flickr30k.json', {
  images: [
    {filename: '1.jpg', split: 'train', sentences: [{raw: 'A man runs.'}]},
    {filename: '2.jpg', split: 'test', sentences: [{raw: 'A man sits.'}]},
  ],
});
const videos = [{id: 1, video_id: 3, question: 'what is cut?', answer: 'bread'}];
write('msvd-qa/train_qa.json', videos);
write('msvd-qa/youtube_mapping.txt', '');
write('msrvtt-qa/train_qa.json', videos);
write('nextqa/map_vid_vidorID.json', {'7': '0001/7'});
write('nextqa/train.csv', 'video,question,answer,qid,type\n7,how is it,fast,0,CH\n');
write('visdial/visdial_1.0_test.json', {
  data: {
    questions: ['is it red', 'is it big', 'why'],
    answers: ['yes', 'no'],
    dialogs: [
      {
        image_id: 4,
        dialog: [
          {question: 0, answer: 0},
          {question: 1, answer: 1},
          {question: 2, answer_options: [0, 1]},
        ],
      },
    ],
  },
});

const found = (name: string, asked: string, split?: string) =>
  readSupport(benchmarks.get(name)!, root, {asked, seed: 0, ...(split ? {split} : {})});

test('each benchmark reads its examples, one a picture, with the commonest answer', () => {
  const cases: [
    string,
    string,
    readonly (readonly [number | string, string, readonly string[]])[],
  ][] = [
    [
      'coco',
      'test',
      [
        [9, 'coco/images/train2014/COCO_train2014_000000000009.jpg', ['a cat']],
        [10, 'coco/images/val2014/COCO_val2014_000000000010.jpg', ['a dog']],
      ],
    ],
    [
      'nocaps',
      'val',
      [
        [9, 'coco/images/train2014/COCO_train2014_000000000009.jpg', ['a cat']],
        [10, 'coco/images/val2014/COCO_val2014_000000000010.jpg', ['a dog']],
      ],
    ],
    ['flickr30k', 'test', [[1, 'flickr30k/images/1.jpg', ['a man runs']]]],
    [
      'vqav2',
      'val',
      [
        [0, 'coco/images/train2014/a.jpg', ['2']],
        [2, 'coco/images/train2014/b.jpg', ['here']],
      ],
    ],
    [
      'okvqa',
      'val',
      [
        [0, 'coco/images/train2014/a.jpg', ['2']],
        [2, 'coco/images/train2014/b.jpg', ['here']],
      ],
    ],
    [
      'vizwiz',
      'test',
      [
        [0, 'vizwiz/images/train/VizWiz_train_0.jpg', ['yes', 'tea']],
        [1, 'vizwiz/images/train/VizWiz_train_1.jpg', ['no', 'unanswerable']],
      ],
    ],
    ['msvd', 'test', [[1, 'msvd-qa/video/vid3.avi', ['bread']]]],
    ['msrvtt', 'test', [[1, 'msrvtt-qa/video/video3.mp4', ['bread']]]],
    ['nextqa', 'val', [['7_0', 'nextqa/videos/0001/7.mp4', ['fast']]]],
    [
      'visdial',
      'val',
      [[0, 'visdial/VisualDialog_test2018/VisualDialog_test2018_000000000004.jpg', ['no']]],
    ],
  ];
  for (const [name, asked, expected] of cases) {
    const {examples} = found(name, asked);
    assert.equal(
      examples.map(({id, file, answers}) => [id, path.relative(root, file), answers]),
      expected,
      name,
    );
    for (const {questions, answers} of examples) assert.is(questions.length, answers.length);
  }
  const [dialog] = found('visdial', 'val').examples;
  assert.is(dialog!.questions[0]!.plain, ' is it red? yes. is it big?');
});

test('examples are of another split than is asked about', () => {
  throwsEmuError(() => found('mmvet', 'all'), /mmvet has no other split than all/);
  throwsEmuError(() => found('vqav2', 'val', 'val'), /that split is asked about; take train/);
  throwsEmuError(() => found('vqav2', 'test', 'dev'), /has examples in train and val/);
  throwsEmuError(() => found('msvd', 'test', 'val'), /val_qa\.json: no such file; .*download msvd/);
});

test('a pool is drawn by its seed', () => {
  const list = Array.from({length: 30}, (_, i) => ({...vqaTrain[0], image: `train2014/${i}.jpg`}));
  const other = path.join(root, 'pool');
  mkdirSync(path.join(other, 'okvqa/annotations'), {recursive: true});
  writeFileSync(path.join(other, 'okvqa/annotations/okvqa_train.json'), JSON.stringify(list));
  const drawn = (seed: number) =>
    readSupport(benchmarks.get('okvqa')!, other, {asked: 'val', pool: 5, seed}).examples.map(
      ({id}) => id as number,
    );
  assert.equal(drawn(1), drawn(1));
  assert.not.equal(drawn(1), drawn(2));
  assert.equal(
    drawn(1),
    drawn(1).toSorted((a, b) => a - b),
  );
  assert.is(new Set(drawn(1)).size, 5);
});

/** Pictures are single pixels: their colour is their vector, and a prompt has a token a word. */
const colour = (data: readonly number[]): Item => ({
  type: 'image',
  picture: {width: 1, height: 1, data: Uint8Array.from(data)},
});
const colours: Record<string, readonly number[]> = {
  red: [255, 0, 0],
  orange: [255, 128, 0],
  yellow: [255, 255, 0],
  blue: [0, 0, 255],
};
const model = (more: Partial<ShotsModel> = {}): ShotsModel => ({
  ...{model: 'made-up', visionId: 'v', imageSize: 1, mode: 'pretrain', contextLength: 1000},
  embed: async (items) =>
    items.map((item) => Float32Array.from(item.type === 'image' ? item.picture.data : [])),
  countTokens: async (requests) =>
    requests.map((request) =>
      request.reduce(
        (sum, one) => sum + (one.type === 'text' ? one.text.split(/\s+/).length : 10),
        0,
      ),
    ),
  ...more,
});

const made: Benchmark = {
  ...benchmarks.get('okvqa')!,
  questions: () => [question],
  support: {
    splits: ['train'],
    read: () => Object.keys(colours).map((id) => ({id, file: path.join(root, `${id}.png`)})),
    answers: ({id}) => [String(id)],
  },
};
for (const [name, data] of Object.entries(colours)) {
  // PPM would do; PNG is what the rest of the program reads: made by the picture library once for all.
  const {default: sharp} = await import('sharp');
  await sharp(Buffer.from(data), {raw: {width: 1, height: 1, channels: 3}}).toFile(
    path.join(root, `${name}.png`),
  );
}

function open(more: Partial<ShotsOptions> = {}, of = model(), items: BenchmarkItem[] = [{id: 1}]) {
  return Shots.open(made, root, items, of, {
    ...{count: 2, isTextOnly: false, asked: 'val', seed: 0},
    vectors: async ({examples}) =>
      new Map(examples.map(({file, id}) => [file, Float32Array.from(colours[id]!)])),
    ...more,
  });
}

async function chosen(shots: Shots, item: BenchmarkItem, data: readonly number[]) {
  const [one] = await shots.choose([{item, shown: colour(data), questions: [question]}]);
  if (one instanceof Error) throw one;
  return one!;
}

test('the likest stand last, and the item itself is never among them', async () => {
  const shots = await open();
  const red = await chosen(shots, {id: 1, file: '/elsewhere.png'}, [250, 10, 0]);
  assert.equal(red.ids, ['orange', 'red']);
  assert.equal(
    red.shown.map((one) => one.type === 'image' && [...one.picture.data]),
    [colours.orange, colours.red],
  );
  assert.is(
    red.prompt(0),
    `{IMAGE} based on the picture, what is it? short answer: orange. {IMAGE} based on the picture, what is it? short answer: red. {IMAGE} based on the picture, what is it? short answer:`,
  );
  const own = await chosen(shots, {id: 1, file: path.join(root, 'red.png')}, [255, 0, 0]);
  assert.equal(own.ids, ['yellow', 'orange']);
  assert.match(shots.text, /^2 examples of okvqa train, the likest .* most similar last$/);
});

test('text only: the same ones for all items, by the seed, without pictures', async () => {
  const shots = await open({isTextOnly: true, seed: 3});
  const one = await chosen(shots, {id: 1, file: '/elsewhere.png'}, [250, 10, 0]);
  const other = await chosen(shots, {id: 2, file: '/other.png'}, [0, 0, 255]);
  assert.equal(one.ids, other.ids);
  assert.equal(one.shown, []);
  assert.is(one.prompt(0).split('{IMAGE}').length, 2);
  const first = path.join(root, `${one.ids[0]}.png`);
  const own = await chosen(shots, {id: 3, file: first}, [0, 0, 0]);
  assert.not.ok(own.ids.includes(one.ids[0]!));
  assert.is(own.ids.length, 2);
  const orders = await Promise.all(
    [0, 1, 2, 3, 4].map(async (seed) =>
      (await chosen(await open({isTextOnly: true, seed}), {id: 1}, [0, 0, 0])).ids.join(),
    ),
  );
  assert.ok(new Set(orders).size > 1);
});

async function refusal(promise: Promise<unknown>, says: RegExp): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  throwsEmuError(() => {
    throw error;
  }, says);
}

test('too few examples, a context that is too small: refused, with what would do', async () => {
  await refusal(open({count: 5}), /--shots 5: okvqa train has 4 pictures .* at most 4 for an item/);
  await refusal(
    open({count: 4}, model(), [{id: 1, file: path.join(root, 'red.png')}]),
    /at most 3 for an item/,
  );
  // An example takes 21 tokens here, the question 20, its answer up to 20.
  const small = (contextLength: number) => model({contextLength});
  await refusal(
    open({count: 4}, small(85)),
    /--shots 4: the prompt has \d+ tokens, its answer up to 20, and the model's context is 85; 2 fit$/,
  );
  await refusal(open({count: 2}, small(45)), /no example fits$/);
  await open({count: 2}, small(85));
});

test('what is asked for on the command line', () => {
  const plain = {'text-only': false, 'support-split': undefined, pool: undefined, index: undefined};
  const request = (shots: string, more = {}) => shotsRequest({...plain, shots, seed: 1, ...more});
  assert.is(request('0'), undefined);
  assert.equal(request('2*'), {count: 2, isTextOnly: true, seed: 1});
  assert.equal(request('4', {pool: 9}), {count: 4, isTextOnly: false, seed: 1, pool: 9});
  throwsEmuError(() => request('few'), /--shots few: expected a number, as 4, or 2\*/);
  throwsEmuError(() => request('0', {pool: 9}), /--pool is about examples: say how many/);
  throwsEmuError(() => request('2*', {index: 'f'}), /--index: examples that are text only/);
});

test('an item that alone does not fit is told, the others are asked', async () => {
  const shots = await open({}, model({contextLength: 100}));
  const long = shortQuestion('what is it, '.repeat(20));
  const all = await shots.choose([
    {item: {id: 1}, shown: colour([1, 2, 3]), questions: [long]},
    {item: {id: 2}, shown: colour([1, 2, 3]), questions: [question]},
  ]);
  assert.match(String(all[0]), /--shots 2: the prompt has/);
  assert.not.ok(all[1] instanceof Error);
});

test.run();
