// predictions.jsonl: written a line at a time, gone on with, put together, and matched with the items.
import {appendFileSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import type {Benchmark, BenchmarkItem} from '../../src/eval/benchmark.js';
import {matchPredictions} from '../../src/eval/matchPredictions.js';
import {
  type PredictionLine,
  PredictionWriter,
  predictionLine,
  readPredictions,
  shardOf,
  writePredictions,
} from '../../src/eval/predictions.js';
import {throwsEmuError} from '../support/errors.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('predictions');
const folder = temporaryFolder();
let files = 0;
const fresh = () => path.join(folder, `${files++}.jsonl`);
const written = (text: string) => {
  const file = fresh();
  writeFileSync(file, text);
  return file;
};

const items: BenchmarkItem[] = Array.from({length: 7}, (_, i) => ({id: 10 * i}));
const search = {numBeams: 1, maxNewTokens: 1, minLength: 1, lengthPenalty: 0};
const question = {text: '', plain: '', search};

/** As much of a benchmark as matching looks at. */
function benchmarkOf(questions: Benchmark['questions'] = () => [question]): Benchmark {
  return {
    name: 'made-up',
    media: 'picture',
    splits: ['val'],
    headline: 'accuracy',
    paper: [],
    read: () => items,
    questions,
    submission: () => [],
    score: () => undefined,
  };
}

const lineOf = ({id}: BenchmarkItem): PredictionLine => ({id, prediction: `answer "${id}" ü\n`});
const fileOf = (some: readonly BenchmarkItem[]) => {
  const file = fresh();
  writePredictions(file, some.map(lineOf));
  return file;
};
const match = (given: readonly string[], benchmark = benchmarkOf()) =>
  matchPredictions(benchmark, 'val', items, given.map(readPredictions));

test('each line is in the file as soon as it is written', () => {
  const file = fresh();
  const writer = PredictionWriter.create(file);
  for (const [i, item] of items.entries()) {
    writer.write(lineOf(item));
    assert.is(readFileSync(file, 'utf8').split('\n').length, i + 2);
  }
  writer.close();
  assert.equal(readPredictions(file).lines, items.map(lineOf));
  assert.is(readFileSync(file, 'utf8'), readFileSync(fileOf(items), 'utf8'));
  assert.throws(() => writer.write(lineOf(items[0]!)), /after close/);
});

test('a run is not written over', () => {
  throwsEmuError(() => PredictionWriter.create(fileOf(items)), /--resume/);
  PredictionWriter.create(written('')).close();
});

test('killed at any byte, a run goes on to the same file', () => {
  const whole = readFileSync(fileOf(items.slice(0, 3)));
  for (let length = 0; length <= whole.length; length++) {
    const file = fresh();
    writeFileSync(file, whole.subarray(0, length));
    const {isTorn} = readPredictions(file);
    const {writer, lines} = PredictionWriter.resume(file);
    const numWhole = whole.subarray(0, length).toString('latin1').split('\n').length - 1;
    // A line that lacks its line end only is whole.
    assert.ok(lines.length === numWhole || (lines.length === numWhole + 1 && !isTorn), `${length}`);
    for (const item of items.slice(lines.length, 3)) writer.write(lineOf(item));
    writer.close();
    assert.equal(readFileSync(file), whole, `cut at byte ${length}`);
  }
});

test('going on where nothing is yet', () => {
  const file = fresh();
  const {writer, lines} = PredictionWriter.resume(file);
  writer.write(lineOf(items[0]!));
  writer.close();
  assert.equal(lines, []);
  assert.is(readPredictions(file).lines.length, 1);
  throwsEmuError(() => PredictionWriter.resume(written('[]')), /is one list.*--out/);
  const diary = written('{"day": 1}\nrain');
  throwsEmuError(() => PredictionWriter.resume(diary), /line 1: expected instance_id/);
  assert.is(readFileSync(diary, 'utf8'), '{"day": 1}\nrain');
});

test('the official code’s list is read as well', () => {
  const list = [
    {instance_id: 'v1_0', prediction: 'x'},
    {instance_id: 'v1_1', prediction: ['yes.', 'y']},
  ];
  const {lines, isTorn} = readPredictions(written(`\n ${JSON.stringify(list, undefined, 1)}`));
  assert.equal(lines, [
    {id: 'v1_0', prediction: 'x'},
    {id: 'v1_1', prediction: ['yes.', 'y']},
  ]);
  assert.not.ok(isTorn);
});

test('lines that are no predictions: which, and what was expected', () => {
  const good = '{"instance_id": 1, "prediction": "a"}\n';
  const cases: [string, RegExp][] = [
    [`${good}{"inst\n${good}`, /line 2 is not JSON; delete that line.*--resume/],
    [`${good}5\n`, /line 2: expected instance_id and prediction, got 5/],
    ['null\n', /line 1: expected instance_id and prediction, got null/],
    ['{"question_id": 1, "answer": "a"}\n', /got question_id, answer; .*not a submission file/],
    ['[{"image_id": 1, "caption": "a"}]', /entry 1: expected .*got image_id, caption/],
    ['{"instance_id": 1, "prediction": 5}\n', /line 1: expected a text, a list of texts or a list/],
    ['{"instance_id": 1, "prediction": [1, "a"]}\n', /line 1: expected a text/],
    ['{"instance_id": 1.5, "prediction": "a"}\n', /line 1: expected/],
    ['[{"instance_id": 1', /is not JSON/],
    ['a diary', /line 1 is not JSON/],
    ['{"name": "emu", "vers', /line 1 is not JSON/],
  ];
  for (const [text, says] of cases) throwsEmuError(() => readPredictions(written(text)), says);
  throwsEmuError(() => readPredictions(path.join(folder, 'none')), /none: no such file/);
});

test('matched in the benchmark’s order, whatever order they come in', () => {
  const {predicted, missing, lines} = match([fileOf(items.toReversed())]);
  assert.equal(
    predicted.map(({item}) => item),
    items,
  );
  assert.equal(missing, []);
  assert.equal(lines, items.map(lineOf));
  // Other programs write numbers as texts.
  assert.is(
    match([written('{"instance_id": "10", "prediction": "a"}\n')]).predicted[0]!.item.id,
    10,
  );
});

test('two shards put together are one run, byte for byte', () => {
  for (const count of [1, 2, 3, 9]) {
    const shards = Array.from({length: count}, (_, index) => shardOf(items, {index, count}));
    assert.is(shards.flat().length, items.length);
    const merged = fresh();
    writePredictions(merged, match(shards.toReversed().map(fileOf)).lines);
    assert.equal(readFileSync(merged), readFileSync(fileOf(items)));
  }
});

test('ids of no item and ids that come twice: how many, and the first few', () => {
  const lines = Array.from({length: 8}, (_, i) => predictionLine({id: i, prediction: 'a'})).join(
    '',
  );
  throwsEmuError(
    () => match([written(lines)]),
    /7 of 8 predictions are of no item of made-up val \(1, 2, 3, 4, 5 and 2 more\); are they of another benchmark/,
  );
  throwsEmuError(
    () => match([fileOf(items.slice(0, 2)), fileOf(items)]),
    /2 of 9 predictions come a second time \(0, 10\); give each shard once/,
  );
});

test('what is missing and what failed', () => {
  const file = fileOf(items.slice(2));
  appendFileSync(file, predictionLine({id: 10, error: 'cat.jpg: is cut off'}));
  const {predicted, missing, failed, lines} = match([file]);
  assert.is(predicted.length, 5);
  assert.equal(missing, [0]);
  assert.equal(failed, [{id: 10, error: 'cat.jpg: is cut off'}]);
  assert.equal(
    lines.map(({id}) => id),
    [10, 20, 30, 40, 50, 60],
  );
  // Asked again, the item has a prediction: in either order it counts.
  appendFileSync(file, predictionLine({id: 10, prediction: 'a cat'}));
  appendFileSync(file, predictionLine({id: 20, error: 'late'}));
  const again = match([file]);
  assert.equal(again.failed, []);
  assert.is(again.predicted.length, 6);
});

test('predictions of another kind: of which item, and what the benchmark takes', () => {
  const text = written('{"instance_id": 0, "prediction": "a"}\n');
  const texts = written('{"instance_id": 0, "prediction": ["yes.", "a"]}\n');
  const losses = written('{"instance_id": 0, "prediction": [0.5, 1, 2]}\n');
  const two = benchmarkOf(() => [question, question]);
  const ranking = benchmarkOf(() => [{...question, candidates: ['a', 'b', 'c']}]);
  assert.is(match([text]).predicted.length, 1);
  assert.is(match([texts], two).predicted.length, 1);
  assert.is(match([losses], ranking).predicted.length, 1);
  throwsEmuError(() => match([texts]), /prediction of 0: made-up val takes a text; /);
  throwsEmuError(() => match([text], two), /takes a list of 2 texts; are they of another/);
  throwsEmuError(() => match([losses], two), /takes a list of 2 texts/);
  throwsEmuError(() => match([texts], ranking), /takes a list of 3 losses/);
});

test.run();
