// emu-mini's own benchmark: its items are the same on every machine, its baselines and controls are what they
// are called. Drawings are made up; no package is fetched.
import {createHash} from 'node:crypto';
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import type {Picture} from '../../src/data/picture.js';
import type {Item} from '../../src/emu.js';
import {addNearest} from '../../src/eval/addNearest.js';
import type {BenchmarkItem, Predicted, Prediction} from '../../src/eval/benchmark.js';
import {
  Art,
  concepts853,
  isHeldOut,
  naming200,
  trainVendors,
} from '../../src/eval/benchmarks/mini/art.js';
import {NamingTask} from '../../src/eval/benchmarks/mini/namingTask.js';
import {photos} from '../../src/eval/benchmarks/mini/photos.js';
import {describer, SceneTask} from '../../src/eval/benchmarks/mini/sceneTask.js';
import type {MiniItem} from '../../src/eval/benchmarks/mini/task.js';
import {mini} from '../../src/eval/benchmarks/mini.js';
import {answeredItems, chooseItems, ofKinds} from '../../src/eval/chooseItems.js';
import {downloadFacts} from '../../src/eval/downloads/facts.js';
import {type EvalModel, evaluate} from '../../src/eval/evaluate.js';
import {scoreRun} from '../../src/eval/result.js';
import {resultText} from '../../src/eval/resultText.js';
import {readResult, writeRun} from '../../src/eval/runFolder.js';
import {findUnknownWords} from '../../src/eval/unknownWords.js';
import {buildPrompt} from '../../src/text/prompt.js';
import {WordTokenizer, wordSpecials} from '../../src/text/wordTokenizer.js';
import {throwsEmuError} from '../support/errors.js';
import {writeFakeArt} from '../support/fakeArt.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('mini');
const folder = temporaryFolder();
writeFakeArt(folder, ['openmoji', ...trainVendors], concepts853());

const all = mini.read(folder, 'openmoji');
const byId = new Map(all.map((item) => [item.id, item]));
const item = (id: string) => byId.get(id)!;
const sha = (...parts: (string | Uint8Array)[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex').slice(0, 16);
};
const written = (items: readonly MiniItem[]) =>
  items.map(({id, asked}) => `${id} ${asked.question} ${asked.answer}\n`).join('');
const pixels = async ({pictures}: MiniItem) => (await pictures()).map(({data}) => data);

/** What a model would have to say for every item to be judged so. */
function answered(items: readonly MiniItem[], said: (one: MiniItem) => Prediction) {
  return items.map((one): Predicted<MiniItem> => ({item: one, prediction: said(one)}));
}

function matched(predicted: readonly Predicted<BenchmarkItem>[]) {
  return {predicted, missing: [], failed: [], lines: []};
}

test('the same questions on every machine and in every run', async () => {
  // Whoever changes these hashes makes scores of before and after incomparable.
  assert.is(sha(written(all)), '6e483e4ebc476f19');
  assert.is(sha(written(mini.read(folder, 'unseen'))), 'e5c84d6019477767');
  const again = mini.read(folder, 'openmoji');
  for (const id of ['what-3', 'direction-7', 'naming-1F300', 'copies-599', 'event-2:reversed']) {
    const other = again.find((one) => one.id === id)!;
    assert.is(sha(...(await pixels(item(id)))), sha(...(await pixels(other))), id);
  }
});

test('the first items are of all kinds; the 200 names and all are what they are called', () => {
  const questions = all.filter(({control}) => !control);
  const kinds = new Set(questions.map(({kind}) => kind));
  assert.equal(new Set(questions.slice(0, kinds.size).map(({kind}) => kind)), kinds);
  assert.is(questions.filter(({kind}) => kind === 'naming').length, 200);
  const named = mini
    .read(folder, 'openmoji-all')
    .filter(({kind, control}) => kind === 'naming' && !control);
  const counted = (metric: string) => named.filter(({metrics}) => metrics.includes(metric)).length;
  assert.equal([named.length, counted('naming-200'), counted('naming-unseen')], [853, 200, 82]);
  const published = downloadFacts.get('mini')!.items;
  for (const split of ['openmoji', 'unseen', 'photos', 'clips'])
    assert.is(
      mini.read(folder, split).filter(({control}) => !control).length,
      published[split],
      split,
    );
  assert.not(naming200().some(isHeldOut), 'the first emu-mini was trained on its names');
});

test('prompts are those of the commands; an interleaved one has its pictures apart', async () => {
  const asked: Item[][] = [];
  const tasks: string[] = [];
  const model: EvalModel = {
    mode: 'instruct',
    imageSize: 8,
    async generateTexts(requests, {task, numBeams}) {
      asked.push(...requests);
      tasks.push(`${task} ${numBeams}`);
      return requests.map(() => ({text: 'a cat'}));
    },
    async scoreCandidates(items, candidates, {task}) {
      asked.push(items);
      tasks.push(task);
      return {
        losses: candidates.map((_, i) => i),
        lengths: candidates.map(() => 1),
        promptLength: 1,
      };
    },
  };
  const chosen = ['naming-1F300', 'asked-1F300', 'caption-0', 'event-0'].map(item);
  const match = mini.read(folder, 'unseen')[0]!;
  const lines = [];
  for await (const line of evaluate(
    {...mini, questions: (one: BenchmarkItem) => mini.questions(one as MiniItem)} as never,
    [...chosen, match],
    model,
    {batch: 1, done: new Set()},
  ))
    lines.push(line);
  assert.equal(
    lines.map(({error}) => error),
    [undefined, undefined, undefined, undefined, undefined],
  );
  const prompts = asked.slice(0, 4).map((items) =>
    buildPrompt({
      task: 'raw',
      mode: 'instruct',
      numImageTokens: 2,
      items: items.map((one) =>
        one.type === 'video' ? {type: 'video', frames: one.frames.length} : one,
      ),
    }),
  );
  const official = (task: 'caption' | 'vqa' | 'video-qa', question: string) =>
    buildPrompt({
      task,
      mode: 'instruct',
      numImageTokens: 2,
      items: [
        task === 'video-qa' ? {type: 'video', frames: 8} : {type: 'image'},
        {type: 'text', text: question},
      ],
    });
  assert.equal(prompts, [
    official('caption', ''),
    official('vqa', 'what is this?'),
    official('caption', ''),
    official('video-qa', item('event-0').asked.question),
  ]);
  assert.equal(tasks, ['raw 1', 'raw 1', 'raw 1', 'raw 1', 'incontext']);
  const shape = asked[4]!.map((one) => (one.type === 'text' ? one.text : one.type));
  assert.equal(shape, ['image', 'one.', 'image', 'two.', 'image']);
});

test('controls: white, another question’s picture, one frame, backwards with the answer turned', async () => {
  const sum = (data: Uint8Array) => data.reduce((total, value) => total + value, 0);
  const [blank] = await pixels(item('what-0:blank'));
  assert.is(sum(blank!), 255 * blank!.length);
  assert.equal(await pixels(item('what-0:shuffled')), await pixels(item('what-1')));
  const frames = await pixels(item('direction-0'));
  const first = await pixels(item('direction-0:first'));
  assert.equal(
    first,
    frames.map(() => frames[0]!),
  );
  assert.equal(await pixels(item('direction-0:reversed')), frames.toReversed());
  const turned: Record<string, string> = {left: 'right', right: 'left', up: 'down', down: 'up'};
  for (let i = 0; i < 20; i++) {
    const {answer} = item(`direction-${i}`).asked;
    assert.is(item(`direction-${i}:reversed`).asked.answer, turned[answer]);
    assert.is(item(`direction-${i}:first`).asked.answer, answer);
  }
  assert.is(byId.has('what-0:first'), false);
});

test('of the controls the first of each kind are chosen, of questions that are asked', () => {
  const {items, total} = chooseItems(all, {limit: 42, controls: 1});
  assert.is(total, all.filter(({control}) => !control).length);
  assert.is(items.filter(({control}) => !control).length, 42);
  const controls = items.filter(({control}) => control);
  assert.is(controls.length, 18 * 2 + 3 * 4);
  assert.ok(controls.every(({control}) => control!.rank === 0));
  const kinds = items.map(({kind}) => kind);
  assert.is(
    kinds.filter((kind, i) => kind !== kinds[i - 1]).length,
    21,
    'kinds are asked together',
  );
  const known = answeredItems(all, ['what-0', 'what-0:blank']);
  assert.equal(
    known.items.filter(({control}) => control).map(({id}) => id),
    ['what-0:blank'],
  );
  assert.is(known.total, total);
});

test('kinds by their names; one that there is not is told', () => {
  const two = ofKinds(all, ['naming', 'direction']);
  assert.equal(new Set(two.map(({kind}) => kind)), new Set(['naming', 'direction']));
  assert.ok(two.some(({control}) => control));
  assert.is(ofKinds(all, undefined), all);
  throwsEmuError(
    () => ofKinds(all, ['what', 'who']),
    /no kind of question is named 'who'; there are .*naming/,
  );
  throwsEmuError(() => ofKinds([{id: 1}], ['what']), /its questions have none/);
});

test('scores: right answers count, articles aside; controls count beside them only', () => {
  const whats = all.filter(({kind}) => kind === 'what');
  const {items} = chooseItems(whats, {limit: 4, controls: 2});
  const right = mini.score(
    answered(items as MiniItem[], ({asked, control}) => (control ? 'no idea' : `${asked.answer}.`)),
    'openmoji',
  )!;
  const what = right.kinds!.find(({kind}) => kind === 'what')!;
  assert.is(right.values.what, 100);
  assert.is(what.count, 4);
  assert.equal(what.controls, {blank: {score: 0, count: 2}, shuffled: {score: 0, count: 2}});
  assert.is(right.perItem!.what!.filter((score) => score !== undefined).length, 4);

  const some = ['what-0', 'what-1', 'what-2', 'what-3'].map(item);
  const half = mini.score(
    answered(some, ({id, asked}) => (id < 'what-2' ? asked.answer : 'x')),
    'openmoji',
  )!;
  assert.is(half.values.what, 50);
  assert.is(half.kinds![0]!.error, 25); // sqrt(0.5 * 0.5 / 4)
});

test('what may be absent: only whether it is refused counts', () => {
  const task = item('absent-0').task;
  const absent = all.filter(({kind, control}) => kind === 'absent' && !control).slice(0, 40);
  for (const one of absent) {
    const isRefused = one.asked.answer.startsWith('there is no');
    assert.is(task.isRight(one, 'there is no such thing'), isRefused);
    assert.is(task.isRight(one, 'left'), !isRefused);
  }
});

test('baselines without a picture', () => {
  const of = (kind: string) => item(`${kind}-0`).task.baselines();
  assert.equal(
    ['relation', 'where', 'background'].map((kind) => of(kind).chance),
    [1 / 2, 1 / 9, 1 / 11],
  );
  assert.ok(Math.abs(of('relation').majority - 0.5) < 0.02);
  assert.ok(of('relation').wording < 0.53);
  assert.equal(item('naming-1F300').task.baselines(), {
    chance: 1 / 200,
    majority: 1 / 200,
    wording: 1 / 200,
  });
});

test('the nearest training picture answers, and the table has it', async () => {
  // All vendors draw alike here, so that names are found; who is left of whom is not.
  const concepts = naming200().slice(0, 30);
  const [art, training] = [['openmoji'], trainVendors].map(
    (vendors) => new Art(concepts, vendors, 32, folder),
  ) as [Art, Art];
  const named = concepts.map((concept) => ({
    id: concept.hex,
    label: concept.label,
    pictures: async () => [await art.onWhite(concept, 64)],
  }));
  const maker = describer(art);
  const tasks = [
    new NamingTask({kind: 'naming', named, question: '', training}),
    ...(['background', 'relation'] as const).map(
      (kind) => new SceneTask(kind, maker, art, training),
    ),
  ];
  const few = tasks.flatMap(({items}) => items.slice(0, 30));
  const predicted = answered(few, ({asked}) => asked.answer);
  const run = scoreRun(mini as never, matched(predicted), {
    split: 'openmoji',
    data: folder,
    total: few.length,
    options: {},
  });
  const {result, itemScores} = await addNearest(mini as never, matched(predicted), run);
  const near = Object.fromEntries(
    result.kinds!.map(({kind, baselines}) => [kind, baselines.nearest!]),
  );
  assert.is(near.naming, 100);
  assert.ok(near.background! > 30, `${near.background}`);
  assert.ok(near.relation! > 20 && near.relation! < 80, `${near.relation}`);

  const home = path.join(folder, 'run');
  writeRun(home, {result, itemScores});
  assert.equal(readResult(home), result);
  const text = resultText(result);
  assert.match(text, /kind +n +right % +95 % +chance +most +words +near\n/);
  assert.match(text, /naming +30 +100\.0 +100\.0-100\.0 +3\.3 +3\.3 +3\.3 +100\.0\n/);
  assert.ok(text.split('\n').every((line) => line.length <= 100));
});

test('unseen: concepts that nobody trained on, another artist’s query, the least loss says which', async () => {
  const episodes = mini
    .read(folder, 'unseen')
    .filter(({kind, control}) => kind === 'match-4' && !control);
  const counts = new Map<string, number>();
  for (const {asked} of episodes) counts.set(asked.answer, (counts.get(asked.answer) ?? 0) + 1);
  assert.equal([...counts.keys()].sort(), ['four', 'one', 'three', 'two']);
  assert.ok([...counts.values()].every((count) => count > 100));
  const [first] = episodes;
  assert.is((await first!.pictures()).length, 5);
  const names = ['one', 'two', 'three', 'four'];
  const losses = names.map((name) => (name === first!.asked.answer ? 0.5 : 1));
  assert.ok(first!.task.isRight(first!, losses));
  assert.equal(await first!.task.nearest([first!]), [true]); // drawn alike here
});

test('photos: looked for where Debian puts them, or where one says; on white squares', async () => {
  throwsEmuError(
    () => mini.fetch!(path.join(folder, 'nowhere'), 'photos', () => {}),
    /nowhere\/animals\/.*: no such file; install Debian’s package tuxpaint-stamps-default/,
  );
  const [photo] = photos;
  const file = path.join(folder, 'stamps', photo!.file);
  mkdirSync(path.dirname(file), {recursive: true});
  const red = {r: 255, g: 0, b: 0, alpha: 1};
  writeFileSync(
    file,
    await sharp({create: {width: 8, height: 4, channels: 4, background: red}})
      .png()
      .toBuffer(),
  );
  const [shown, missing] = mini.read(path.join(folder, 'stamps'), 'photos');
  const [{width, height, data}] = (await shown!.pictures()) as [Picture];
  assert.equal([width, height], [256, 256]);
  const at = (x: number, y: number) => [...data.subarray(3 * (y * 256 + x), 3 * (y * 256 + x) + 3)];
  assert.equal(
    [at(128, 128), at(128, 20)],
    [
      [255, 0, 0],
      [255, 255, 255],
    ],
  );
  const error = await missing!.pictures().catch((problem: Error) => problem.message);
  assert.match(String(error), /no such file/);
});

test('words that a model lacks are told', async () => {
  const tokenizer = new WordTokenizer([...wordSpecials, 'what', 'is', 'this', '?', 'a', 'tiger']);
  const find = async (texts: readonly string[]) =>
    texts.map((text) => tokenizer.unknownWords(text));
  const named = all.filter(({kind, control}) => kind === 'asked' && !control).slice(0, 60);
  const {questions, answers, items, words} = (await findUnknownWords(mini as never, named, find))!;
  const tigers = named.filter(({asked}) => asked.answer === 'tiger').length;
  assert.equal([questions, answers, items], [0, 60 - tigers, 60]);
  assert.ok(words.length === 20 && !words.includes('tiger'));
  assert.equal(tokenizer.unknownWords('[USER]: what is THIS thing? thing'), [':', 'thing']);
  assert.is(
    await findUnknownWords(mini as never, named, async (texts) => texts.map(() => [])),
    undefined,
  );
});

test.run();
