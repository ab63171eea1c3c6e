// MM-Vet scored from its grader's file.
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {gradedMmvet} from '../../src/eval/benchmarks/mmvet.js';
import type {Benchmark} from '../../src/eval/benchmark.js';
import {resultText} from '../../src/eval/resultText.js';
import {scorePredictions} from '../../src/eval/scorePredictions.js';
import {throwsEmuError} from '../support/errors.js';
import {testOnMetrics} from '../support/metricsData.js';
import {temporaryFolder} from '../support/temporary.js';

interface Aggregate {
  readonly samples: Readonly<Record<string, {capability: string[]; scores: number[]}>>;
  readonly expected: {
    readonly total: number;
    readonly per_capability: Readonly<Record<string, number>>;
    readonly 'per_integration (capability set)': Readonly<Record<string, number>>;
  };
}

const test = suite('grades of MM-Vet');
const root = temporaryFolder();
let files = 0;

function write(value: unknown): string {
  const file = path.join(root, `${files++}.json`);
  writeFileSync(file, JSON.stringify(value));
  return file;
}

/** The benchmark's own file, an answer to each question, and grades as its grader writes them. */
function prepare(samples: Aggregate['samples']) {
  const entries = Object.entries(samples);
  mkdirSync(path.join(root, 'mm-vet'), {recursive: true});
  const all = entries.map(([id, {capability}]) => [
    id,
    {imagename: `${id}.png`, question: 'what?', answer: 'that', capability},
  ]);
  writeFileSync(path.join(root, 'mm-vet/mm-vet.json'), JSON.stringify(Object.fromEntries(all)));
  const predictions = write(entries.map(([id]) => ({instance_id: id, prediction: 'that'})));
  const grades = entries.map(([id, {scores}]) => [
    id,
    {model: scores.map(() => 'gpt-4-0613'), content: scores.map(String), score: scores},
  ]);
  return {predictions, grades: Object.fromEntries(grades) as Record<string, {score: number[]}>};
}

const score = (predictions: string, grades: unknown) =>
  scorePredictions(gradedMmvet(write(grades)) as unknown as Benchmark, [predictions], root);

testOnMetrics<Aggregate>(
  test,
  "the official grader's table, with intervals",
  'mmvet/aggregate.json',
  (json) => {
    const {predictions, grades} = prepare(json.samples);
    const {result, itemScores} = score(predictions, grades);
    const {expected} = json;
    const {total} = expected;
    assert.is(result.scores.total, total);
    assert.is(result.isPartial, false);
    assert.equal(result.intervals.total!.low < total && total < result.intervals.total!.high, true);
    for (const [name, value] of Object.entries(expected.per_capability)) {
      assert.is(result.scores[name], value, name);
      assert.ok(result.intervals[name], name);
    }
    assert.equal(result.details.integration, expected['per_integration (capability set)']);
    assert.is(itemScores.length, Object.keys(json.samples).length);
    assert.match(result.note!, /^5 runs of the grader, standard deviation of their totals \d\.\d/);
  },
);

const two = {
  a: {capability: ['ocr', 'math'], scores: [0.5, 0.7]},
  b: {capability: ['rec'], scores: [1, 1]},
  c: {capability: ['rec'], scores: [0, 0.2]},
};

test('answers without all grades are left out, and counted', () => {
  const {predictions, grades} = prepare(two);
  const {result} = score(predictions, {...grades, c: {score: [0.1]}});
  assert.equal([result.scores.total, result.items.scored, result.isPartial], [80, 2, true]);
  assert.match(resultText(result), /scored over 2 of 3 items, 1 not graded,.* \(partial\)/);
  assert.match(result.note!, /2 of 3 answers have all grades; without: c$/);
  const single = score(predictions, {a: 0.5, b: [1]});
  assert.equal([single.result.scores.total, single.result.items.scored], [75, 2]);
});

test('what are no grades of these answers is told', () => {
  const {predictions, grades} = prepare(two);
  throwsEmuError(
    () => score(predictions, {...grades, z: {score: [1, 1]}}),
    /1 of 4 grades are of no answer \(z\)/,
  );
  throwsEmuError(() => score(predictions, {a: {score: [7]}}), /\.json: a: /);
  throwsEmuError(() => score(predictions, {}), /holds no grades/);
});

test.run();
