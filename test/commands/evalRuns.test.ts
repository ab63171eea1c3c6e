// emu eval as a person runs it, with examples in the prompts: killed and gone on with, in shards, by ranks.
import {spawn} from 'node:child_process';
import {copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {Random} from '../../src/random.js';
import {
  assertFailure,
  type Ended,
  finished,
  fixture,
  root,
  runEmu,
  startEmu,
} from '../cli/runEmu.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';
import {whyNoRanks} from '../train/mpi/mpirun.js';

const test = suite('runs of emu eval');
const folder = temporaryFolder();
const data = path.join(folder, 'data');
const env = {EMU_CACHE_DIR: path.join(folder, 'cache'), EMU_THREADS: '1'};
const ITEMS = 24;

/** Questions about fixtures in the layout of OK-VQA, and examples about others. */
function writeData(): void {
  const pictures = ['cat.jpg', 'rocket.jpg', 'coffee.png', 'palette.png', 'astronaut.jpg'];
  mkdirSync(path.join(data, 'coco/images'), {recursive: true});
  mkdirSync(path.join(data, 'okvqa/annotations'), {recursive: true});
  for (const name of pictures) copyFileSync(fixture(name), path.join(data, 'coco/images', name));
  const write = (name: string, value: unknown) =>
    writeFileSync(path.join(data, 'okvqa/annotations', name), JSON.stringify(value));
  const texts = ['what is it?', 'what color is the thing?', 'how many things are there?'];
  const questions = Array.from({length: ITEMS}, (_, i) => ({
    question_id: 100 + i,
    question: texts[i % texts.length],
    image: pictures[i % 2],
  }));
  write('vqa_val_eval.json', questions);
  const answers = Array.from({length: 10}, () => ({answer: 'cat'}));
  write('mscoco_val2014_annotations.json', {
    annotations: questions.map(({question_id}) => ({
      ...{question_id, question_type: 'one', answer_type: 'other', answers},
    })),
  });
  write(
    'okvqa_train.json',
    pictures.slice(1).map((image, i) => ({
      ...{question_id: i, question: 'what is it?', image, answer: [path.parse(image).name]},
    })),
  );
}
writeData();

const args = (out: string, ...more: string[]) => [
  ...['eval', 'okvqa', '--data', data, '--shots', '2', '--batch', '4'],
  ...['--out', path.join(folder, out), ...more],
];
const read = (out: string, name: string) => readFileSync(path.join(folder, out, name), 'utf8');
const RESULTS = ['predictions.jsonl', 'scores.jsonl', 'okvqa_answer.json', 'result.json'];

function assertSame(out: string, names: readonly string[], when: string): void {
  for (const name of names) assert.is(read(out, name), read('whole', name), `${name}, ${when}`);
}

async function ran(promise: Promise<Ended>): Promise<Ended> {
  const ended = await promise;
  assert.is(ended.code, 0, ended.stderr);
  return ended;
}

test('examples are told by the run and recorded with each prediction', async () => {
  const {stdout, stderr} = await ran(runEmu(args('whole'), {env}));
  assert.match(stdout, /scored over 24 of 24 items/);
  assert.match(stdout, /\n2 examples of okvqa train, the likest by their pictures \(RICES\), most/);
  assert.match(stderr, /an index of 4 pictures for examples is kept in .*okvqa-train-/);
  const lines = read('whole', 'predictions.jsonl').trim().split('\n');
  const supports = lines.map((line) => JSON.parse(line).supports as number[]);
  assert.ok(supports.every(({length}) => length === 2));
  // Items of odd numbers are about the rocket, which is example 0: never of itself.
  assert.ok(supports.every((ids, i) => i % 2 === 0 || !ids.includes(0)));
  const {options} = JSON.parse(read('whole', 'result.json'));
  assert.equal([options.shots, options.supportSplit], [2, 'train']);
});

const KILLS = 3;

test(`${KILLS} kills change no byte of what a run leaves`, async () => {
  const random = new Random(5);
  const goals = Array.from({length: KILLS}, () => random.below(ITEMS - 5)).sort((a, b) => a - b);
  const file = path.join(folder, 'killed', 'predictions.jsonl');
  const lines = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0);
  const moments: number[] = [];
  for (const [i, goal] of goals.entries()) {
    const child = startEmu(args('killed', '--resume'), {env});
    const end = finished(child);
    // The first while it starts; else so many lines on, and a moment.
    if (i === 0) await sleep(random.between(200, 600));
    else {
      while (child.exitCode === null && lines() < goal) await sleep(2);
      await sleep(random.between(0, 30));
    }
    moments.push(lines());
    assert.is(child.exitCode, null, `ended before the kill at ${moments}`);
    child.kill('SIGKILL');
    await end;
  }
  await ran(runEmu(args('killed', '--resume'), {env}));
  assertSame('killed', RESULTS, `kills at lines ${moments}`);
});

test('two shards put together are one run; a run goes on with the same settings only', async () => {
  await Promise.all([1, 2].map((i) => ran(runEmu(args(`half-${i}`, '--shard', `${i}/2`), {env}))));
  const halves = [1, 2].flatMap((i) => ['--predictions', path.join(folder, `half-${i}`)]);
  const merged = ['--data', data, '--out', path.join(folder, 'merged')];
  const [, other, again, index] = await Promise.all([
    ran(runEmu(['eval', 'score', 'okvqa', ...halves, ...merged])),
    runEmu([...args('whole', '--resume'), '--text-only'], {env}),
    runEmu(args('whole'), {env}),
    runEmu(args('other', '--index', fixture('cat.jpg'), '--quiet'), {env}),
  ]);
  assertSame('merged', ['predictions.jsonl', 'scores.jsonl', 'okvqa_answer.json'], 'shards');
  assert.is(other.code, 1);
  assert.match(other.stderr, /whole: its run was begun with another setting of examples \(2 ex/);
  assertFailure(again, 1, /predictions\.jsonl: holds predictions; go on with --resume/);
  assertFailure(index, 1, /cat\.jpg: is no index of pictures/);
});

/** `mpirun` of as many ranks as there are lists of arguments, each with its own. */
function runRanks(...ranks: readonly (readonly string[])[]): Promise<Ended> {
  const each = ranks.map((rank) => [
    '-n',
    '1',
    process.execPath,
    path.join(root, 'bin/emu'),
    ...rank,
  ]);
  const child = spawn(
    'mpirun',
    ['--oversubscribe', ...each.flatMap((rank, i) => (i === 0 ? rank : [':', ...rank]))],
    {
      cwd: root,
      env: {
        ...process.env,
        ...env,
        OMPI_ALLOW_RUN_AS_ROOT: '1',
        OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
      },
    },
  );
  child.stdin.end();
  return finished(child);
}

const whyNot = whyNoRanks();
const withRanks: Record<string, () => Promise<void>> = {
  'two ranks leave what one process does, and print one result': async () => {
    const {stdout} = await ran(runRanks(args('ranks'), args('ranks')));
    assert.is(stdout.match(/scored over 24 of 24 items/g)!.length, 1);
    assertSame('ranks', RESULTS, 'ranks');
    assert.not.ok(existsSync(path.join(folder, 'ranks', 'predictions-1-of-2.jsonl')));
  },

  'a rank that fails ends the run; one process goes on with what is there': async () => {
    const ended = await runRanks(args('failed'), [...args('failed'), '-m', 'nowhere']);
    assert.is(ended.code, 3, ended.stderr);
    assert.match(ended.stderr, /^emu: rank 1 of 2: nowhere: no model of this name/m);
    assert.not.ok(existsSync(path.join(folder, 'failed', 'result.json')));
    await ran(runEmu(args('failed', '--resume'), {env}));
    assertSame('failed', RESULTS, 'a rank failed');
  },
};
for (const [name, body] of Object.entries(withRanks)) {
  if (whyNot) skip(test, name, whyNot);
  else test(name, body);
}

test.run();
