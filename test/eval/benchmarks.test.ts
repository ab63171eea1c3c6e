// The benchmarks' readers, questions, submission files and scores, against the official code's on small files
// of the official layout.
import {cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {readImage} from '../../src/data/image.js';
import {frameIndices, readFrames} from '../../src/data/video.js';
import type {Predicted, Prediction} from '../../src/eval/benchmark.js';
import {benchmarks} from '../../src/eval/benchmarks/index.js';
import {evalPrompt} from '../../src/eval/evalPrompt.js';
import {findBenchmark, findSplit, readItems} from '../../src/eval/openBenchmark.js';
import {hasWordnet} from '../../src/eval/wordnetFolder.js';
import {throwsEmuError} from '../support/errors.js';
import {
  benchmarkRoot,
  needsLayouts,
  officialPrompts,
  officialRuns,
  type OfficialRunName,
} from '../support/layouts.js';
import {isNear, metricsJson} from '../support/metricsData.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('benchmarks');

/** A test on the official layout's files under `root`. */
function onLayouts(name: string, run: (root: string) => void | Promise<void>): void {
  const root = benchmarkRoot;
  if (root === undefined) skip(test, name, needsLayouts);
  else test(name, () => run(root));
}

const itemsOf = (root: string, name: string, split?: string) => {
  const benchmark = findBenchmark(name);
  return {benchmark, items: readItems(benchmark, root, findSplit(benchmark, split))};
};

const asked: [string, string, string][] = [
  ['coco_test', 'coco', 'test'],
  ['coco_val', 'coco', 'val'],
  ['vqav2_val', 'vqav2', 'val'],
  ['vqav2_test', 'vqav2', 'test'],
  ['okvqa_val', 'okvqa', 'val'],
  ['vizwiz_test', 'vizwiz', 'test'],
  ['vizwiz_val', 'vizwiz', 'val'],
  ['visdial_val', 'visdial', 'val'],
  ['mmvet', 'mmvet', 'all'],
];

for (const [key, name, split] of asked)
  onLayouts(`${key}: ids, pictures and prompts are the official ones`, async (root) => {
    const official = officialPrompts()![key]!;
    const {benchmark, items} = itemsOf(root, name, split);
    assert.equal(
      items.map(({id}) => id),
      official.map((sample) => sample.instance_id),
    );
    for (const [i, sample] of official.entries()) {
      const prompts = benchmark.questions(items[i]!).map((each) => evalPrompt(each, 'instruct'));
      const {answerability_prompt: answerability, prompt} = sample;
      assert.equal(prompts, answerability === undefined ? [prompt] : [answerability, prompt]);
      if (i >= 4) continue; // later ones show the same pictures again
      const {width, height} = await readImage(items[i]!.file!);
      assert.equal([width, height], [...sample.image_size]);
    }
  });

onLayouts('a pretrained model reads the picture, then the plain question', (root) => {
  const prompt = (name: string, at: number, split?: string) => {
    const {benchmark, items} = itemsOf(root, name, split);
    return benchmark.questions(items[at]!).map((each) => evalPrompt(each, 'pretrain'));
  };
  assert.equal(prompt('coco', 0), ['{IMAGE}']);
  assert.equal(prompt('vqav2', 0, 'val'), ['{IMAGE}What color is the circle?']);
  assert.equal(prompt('nextqa', 0), ['{IMAGE}how is the square moved?']);
  assert.equal(prompt('visdial', 1), [
    '{IMAGE} is it a drawing? answer number 49. how many shapes?',
  ]);
});

onLayouts('a video is announced as one', (root) => {
  const {benchmark, items} = itemsOf(root, 'msvd');
  const [question] = benchmark.questions(items[0]!);
  assert.match(evalPrompt(question!, 'instruct', 'video'), /a video consisting of multiple/);
});

const scored: [OfficialRunName, string, string][] = [
  ['coco', 'coco', 'test'],
  ['vqav2_val', 'vqav2', 'val'],
  ['vqav2_test', 'vqav2', 'test'],
  ['okvqa_val', 'okvqa', 'val'],
  ['vizwiz_test', 'vizwiz', 'test'],
  ['mmvet', 'mmvet', 'all'],
];

const predictedOf = (root: string, name: string, split: string, all: readonly Prediction[]) => {
  const {benchmark, items} = itemsOf(root, name, split);
  const predicted: Predicted<(typeof items)[number]>[] = items.map((item, i) => ({
    item,
    prediction: all[i]!,
  }));
  return {benchmark, predicted};
};

for (const [key, name, split] of scored)
  onLayouts(`${key}: submission file and scores are the official ones`, (root) => {
    const {predictions, answer_file: answers, metrics} = officialRuns()![key];
    const texts = predictions.map(({prediction}) => prediction);
    const {benchmark, predicted} = predictedOf(root, name, split, texts);
    assert.equal(benchmark.submission(predicted), answers);
    const scores = benchmark.score(predicted, split);
    assert.is(scores === undefined, !metrics);
    if (!scores || !metrics) return;
    if (name === 'coco') {
      for (const [metric, value] of Object.entries(metrics)) {
        if (metric === 'METEOR') continue; // all four modules take a table that isn't free
        assert.ok(isNear(scores.values[metric]!, value as number, 1e-9), metric);
      }
      assert.is('METEOR(ess)' in scores.values, hasWordnet());
      return;
    }
    assert.is(scores.values.accuracy, metrics.overall);
    assert.equal(
      Object.fromEntries(scores.details!['question type']!),
      metrics.perQuestionType as object,
    );
    assert.equal(
      Object.fromEntries(scores.details!['answer type']!),
      metrics.perAnswerType as object,
    );
  });

onLayouts('visdial_val: ranks and scores are the official ones', (root) => {
  const {
    losses,
    answer_file: answers,
    metrics_official_rule: metrics,
  } = officialRuns()!.visdial_val;
  const {benchmark, predicted} = predictedOf(root, 'visdial', 'val', losses);
  assert.equal(benchmark.submission(predicted), answers);
  const {values, perItem} = benchmark.score(predicted, 'val')!;
  assert.equal(Object.keys(values).sort(), Object.keys(metrics).sort());
  for (const [metric, value] of Object.entries(metrics))
    assert.ok(isNear(values[metric]!, value, 1e-9), `${metric}: ${values[metric]} for ${value}`);
  assert.is(perItem!.ndcg!.filter((score) => score !== undefined).length, 3);
});

onLayouts('MSVD-QA and MSRVTT-QA: exact match by each rule', (root) => {
  const {benchmark, predicted} = predictedOf(root, 'msvd', 'test', [
    'Color',
    'a bar. It moves',
    'nobody!',
    'word',
  ]);
  const {values, perItem} = benchmark.score(predicted, 'test')!;
  assert.equal(values, {accuracy: 75, short: 50, plain: 25});
  assert.equal(perItem!.accuracy, [100, 100, 100, 0]);
  const submission = benchmark.submission(predicted) as readonly unknown[];
  assert.equal(submission[1], {id: 37001, answer: 'bar'});
  const {items} = itemsOf(root, 'msrvtt');
  assert.equal(
    items.map(({id, file}) => [id, path.relative(root, file!)]),
    [
      [158000, 'msrvtt-qa/video/video7010.mp4'],
      [158001, 'msrvtt-qa/video/video7011.mp4'],
      [158002, 'msrvtt-qa/video/video7012.mp4'],
    ],
  );
});

onLayouts('NExT-QA: ids, files, second answers and the predictions file', (root) => {
  const {benchmark, items} = itemsOf(root, 'nextqa');
  assert.is(items[0]!.id, '3238737531_0');
  assert.is(path.relative(root, items[0]!.file!), 'nextqa/videos/1164/3238737531.mp4');
  assert.equal(benchmark.expected!(items[0]!), ['slide to the right', 'pushed sideways']);
  const predicted = items.map((item, i) => ({item, prediction: `answer ${i}`}));
  assert.equal(benchmark.submission(predicted), {
    3238737531: {0: 'answer 0', 1: 'answer 1'},
    3238737532: {0: 'answer 2'},
    3238737533: {2: 'answer 3', 3: 'answer 4'},
  });
  if (hasWordnet()) return;
  throwsEmuError(() => benchmark.score(predicted, 'test'), /WordNet/i);
});

const wups = 'NExT-QA: WUPS counts the better of two right answers';
if (!hasWordnet()) skip(test, wups, 'needs WordNet 3.0 (EMU_WORDNET, or the package wordnet-base)');
else
  onLayouts(wups, (root) => {
    const said = ['pushed sideways', 'red', 'yes', 'two', 'it rotates'];
    const {benchmark, predicted} = predictedOf(root, 'nextqa', 'test', said);
    const {values, perItem, details} = benchmark.score(predicted, 'test')!;
    assert.equal(perItem!.WUPS, [100, 100, 0, 100, 100]);
    assert.is(values.WUPS, 80);
    assert.is(details!.group!.get('D'), 200 / 3);
  });

interface VideoFrames {
  readonly [file: string]: {readonly frames: number; readonly indices: readonly number[]};
}

onLayouts(
  'videos: as many frames as the official reader counts, and the same ones',
  async (root) => {
    const official = metricsJson<VideoFrames>('layouts/expected/video-frames.json')!;
    for (const name of ['msvd', 'msrvtt', 'nextqa'])
      for (const file of new Set(itemsOf(root, name).items.map((item) => item.file!))) {
        let counted = 0;
        const choose = (numFrames: number, count: number) => {
          counted = numFrames;
          return frameIndices(numFrames, count);
        };
        const pictures = await readFrames(file, {choose});
        const {frames, indices} = official[path.relative(root, file)]!;
        assert.is(counted, frames, file);
        assert.equal(frameIndices(counted, pictures.length), indices);
      }
  },
);

onLayouts('FID prompts: a caption of each picture, always the same ones', (root) => {
  const {benchmark, items} = itemsOf(root, 'fid');
  assert.is(items.length, 7);
  assert.is(new Set(items.map(({id}) => id)).size, 7);
  assert.equal(itemsOf(root, 'fid').items, items);
  const {annotations} = JSON.parse(
    readFileSync(path.join(root, 'coco/annotations/captions_val2014.json'), 'utf8'),
  );
  assert.not.equal(
    items.map(({id}) => id),
    annotations.map((each: {image_id: number}) => each.image_id),
    'the order is drawn',
  );
  for (const item of items) {
    const own = annotations.filter((each: {image_id: number}) => each.image_id === item.id);
    const [caption] = benchmark.expected!(item);
    assert.ok(own.some((each: {caption: string}) => each.caption.trim() === caption));
    assert.equal(
      benchmark.questions(item).map(({plain}) => plain),
      [caption],
    );
  }
});

test('FID prompts: 30,000 of more pictures, whatever order the file has', () => {
  const folder = temporaryFolder();
  const write = (annotations: object[]) => {
    mkdirSync(path.join(folder, 'coco/annotations'), {recursive: true});
    const file = path.join(folder, 'coco/annotations/captions_val2014.json');
    writeFileSync(file, JSON.stringify({annotations}));
    return itemsOf(folder, 'fid').items;
  };
  const annotations = Array.from({length: 30_100}, (_, i) => [
    {image_id: 7 * i, caption: `one ${i}`},
    {image_id: 7 * i, caption: `two ${i}`},
  ]).flat();
  const items = write(annotations);
  assert.is(items.length, 30_000);
  assert.is(new Set(items.map(({id}) => id)).size, 30_000);
  assert.equal(write(annotations.toReversed()), items);
});

test('unknown benchmarks and splits: the known ones are told', () => {
  const error = throwsEmuError(() => findBenchmark('okvqq'), /did you mean okvqa\? known: coco, /);
  assert.is(error.exitCode, 2);
  throwsEmuError(() => findBenchmark('MM-Vet'), /did you mean mmvet\?/);
  throwsEmuError(() => findBenchmark('imagenet'), /no benchmark is called imagenet; known: coco, /);
  throwsEmuError(
    () => findSplit(findBenchmark('coco'), 'train'),
    /coco has no split train.*test and val/,
  );
  assert.is(findSplit(findBenchmark('coco')), 'test');
});

test('a folder that is not there', () => {
  throwsEmuError(
    () => readItems(findBenchmark('coco'), '/nowhere', 'test'),
    /no such folder.*--data/,
  );
});

/** Reads the benchmark after one of its files was changed, removed (undefined) or put there. */
function broken(
  root: string,
  name: string,
  file: string,
  change: (text: string) => string | undefined,
) {
  const folder = temporaryFolder();
  cpSync(root, folder, {recursive: true, filter: (from) => !/\.(jpg|png|mp4|avi)$/.test(from)});
  const full = path.join(folder, file);
  const changed = change(existsSync(full) ? readFileSync(full, 'utf8') : '');
  if (changed === undefined) rmSync(full);
  else writeFileSync(full, changed);
  const benchmark = benchmarks.get(name)!;
  const split = /_val|val\.|okvqa/.test(file) && name !== 'mmvet' ? 'val' : benchmark.splits[0];
  return () => readItems(benchmark, folder, split);
}

onLayouts('missing files: what they are and what says where to get them', (root) => {
  const gone = () => undefined;
  for (const [name, file] of [
    ['coco', 'coco/annotations/coco_karpathy_test.json'],
    ['coco', 'coco/annotations/coco_karpathy_test_gt.json'],
    ['vqav2', 'coco/annotations/vqa_test.json'],
    ['vqav2', 'coco/annotations/v2_mscoco_val2014_annotations.json'],
    ['vizwiz', 'vizwiz/annotations/test.json'],
    ['visdial', 'visdial/visdial_1.0_val.json'],
    ['msvd', 'msvd-qa/youtube_mapping.txt'],
    ['nextqa', 'nextqa/test.csv'],
    ['nextqa', 'nextqa/map_vid_vidorID.json'],
    ['mmvet', 'mm-vet/mm-vet.json'],
  ] as const) {
    const error = throwsEmuError(
      broken(root, name, file, gone),
      new RegExp(`${path.basename(file)}: no such file; .emu eval download ${name}.`),
    );
    assert.match(error.file!, new RegExp(`${file}$`));
  }
});

onLayouts('short and damaged files: the file and the place in it', (root) => {
  const edit = (change: (value: never) => unknown) => (text: string) =>
    JSON.stringify(change(JSON.parse(text) as never));
  const cases: [string, string, (text: string) => string, RegExp][] = [
    [
      'coco',
      'coco/annotations/coco_karpathy_test.json',
      (text) => text.slice(0, 300),
      /is not JSON/,
    ],
    ['coco', 'coco/annotations/coco_karpathy_test.json', () => '[]', /hold no item of coco test/],
    [
      'coco',
      'coco/annotations/coco_karpathy_test.json',
      edit((list: {image: string}[]) => [{...list[0], image: 'val2014/cat.jpg'}]),
      /cat\.jpg: expected a name that ends in the picture's number/,
    ],
    [
      'coco',
      'coco/annotations/coco_karpathy_test_gt.json',
      edit((gt: {annotations: {image_id: number}[]}) => ({
        ...gt,
        annotations: gt.annotations.filter(({image_id: id}) => id !== 60623),
      })),
      /test_gt\.json: has no captions of 1 of 4 pictures, first 60623/,
    ],
    [
      'vqav2',
      'coco/annotations/v2_mscoco_val2014_annotations.json',
      edit((file: {annotations: unknown[]}) => ({annotations: file.annotations.slice(0, 2)})),
      /has no answers to 3 of 5 questions of vqav2, first 60623000/,
    ],
    [
      'okvqa',
      'okvqa/annotations/vqa_val_eval.json',
      edit((list: {question?: string}[]) => list.map(({question: _, ...rest}) => rest)),
      /0\.question: /,
    ],
    [
      'visdial',
      'visdial/visdial_1.0_val.json',
      edit((file: {data: {answers: string[]}}) => ({
        data: {...file.data, answers: file.data.answers.slice(0, 20)},
      })),
      /answers has 20 entries, and a dialog names \d+/,
    ],
    [
      'visdial',
      'visdial/visdial_1.0_val_dense_annotations.json',
      edit((list: {gt_relevance: number[]}[]) => [
        {...list[0], gt_relevance: list[0]!.gt_relevance.slice(0, 50)},
      ]),
      /dense_annotations\.json: round \d+ of dialog \d+: 50 relevances of 100 options/,
    ],
    ['nextqa', 'nextqa/test.csv', (text) => text.replace(',CH', ',XX'), /row 2, type: /],
    ['nextqa', 'nextqa/test.csv', (text) => `${text}"1,2\n`, /is not CSV/],
    ['nextqa', 'nextqa/map_vid_vidorID.json', () => '{}', /video 3238737531 is not in map_vid/],
    ['fid', 'coco/annotations/captions_val2014.json', () => '{"annotations": []}', /no captions/],
  ];
  for (const [name, file, change, says] of cases)
    throwsEmuError(broken(root, name, file, change), says);
});

onLayouts("VisDial's test dialogs have no options", (root) => {
  const visdial = findBenchmark('visdial');
  throwsEmuError(() => visdial.read(root, 'test'), /has no options or no right one.*--split val/);
});

test.run();
