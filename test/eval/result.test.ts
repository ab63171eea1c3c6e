// Results: scores with intervals, what is missing, the run folder, comparison and report.
import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import type {Benchmark, BenchmarkItem, Prediction} from '../../src/eval/benchmark.js';
import {compareRuns, comparisonText} from '../../src/eval/compare.js';
import type {MatchedPredictions} from '../../src/eval/matchPredictions.js';
import {bootstrapMean} from '../../src/eval/metrics/bootstrap.js';
import {findBenchmark} from '../../src/eval/openBenchmark.js';
import {writePredictions} from '../../src/eval/predictions.js';
import {reportPage} from '../../src/eval/report/page.js';
import {readSamples} from '../../src/eval/report/samples.js';
import {type ItemScores, scoreRun} from '../../src/eval/result.js';
import {resultText} from '../../src/eval/resultText.js';
import {findResult, readItemScores, readResult, writeRun} from '../../src/eval/runFolder.js';
import {scorePredictions} from '../../src/eval/scorePredictions.js';
import {Random} from '../../src/random.js';
import {throwsEmuError} from '../support/errors.js';
import {benchmarkRoot, needsLayouts, officialRuns} from '../support/layouts.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('results');
const folder = temporaryFolder();

function onLayouts(name: string, run: (root: string) => void | Promise<void>): void {
  const root = benchmarkRoot;
  if (root === undefined) skip(test, name, needsLayouts);
  else test(name, () => run(root));
}

/** Scores numbers by their mean, and says nothing of odd items by `half`. */
const numbers: Benchmark = {
  name: 'numbers',
  media: 'picture',
  splits: ['val'],
  headline: 'mean',
  paper: [{model: 'Emu', value: 2, source: 'made up'}],
  read: () => [],
  questions: () => [],
  submission: (predicted) => predicted.map(({item, prediction}) => ({id: item.id, prediction})),
  score: (predicted) => {
    const values = predicted.map(({prediction}) => Number(prediction));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return {
      values: {mean, none: Number.NaN},
      perItem: {
        mean: values,
        half: values.map((value, i) => (i % 2 === 0 ? value : undefined)),
        none: values.map(() => Number.NaN),
      },
      details: {kind: new Map([['all', mean]])},
      note: 'made up',
    };
  },
};

function matched(
  values: readonly Prediction[],
  missing: readonly number[] = [],
): MatchedPredictions {
  const predicted = values.map((prediction, id) => ({item: {id} as BenchmarkItem, prediction}));
  const lines = predicted.map(({item, prediction}) => ({id: item.id, prediction}));
  return {predicted, missing, failed: [], lines};
}

const options = {split: 'val', data: 'data', options: {model: 'emu-mini', beams: 5}};

test('scores, intervals of the means of items, and the paper’s numbers', () => {
  const {result, itemScores} = scoreRun(numbers, matched(['1', '2', '6']), {...options, total: 3});
  assert.equal(result.scores, {mean: 3, none: null});
  const {low, high} = bootstrapMean([1, 2, 6]);
  assert.equal(result.intervals, {mean: {low, high}, half: {low: 1, high: 6}});
  assert.equal(itemScores, [
    {id: 0, scores: {mean: 1, half: 1}},
    {id: 1, scores: {mean: 2}},
    {id: 2, scores: {mean: 6, half: 6}},
  ]);
  assert.equal(result.details, {kind: {all: 3}});
  assert.is(result.isPartial, false);
  const text = resultText(result);
  assert.match(text, /^numbers val: scored over 3 of 3 items\n/);
  assert.match(text, /mean {4}3\.0000 {2}1\.0000 to 6\.0000/);
  assert.match(text, /this run {2}3\.0000.*\nEmu {7}2\.0000 {2}made up/);
});

test('a part of the items: said at the head, with what is missing', () => {
  const {result} = scoreRun(numbers, matched(['4'], [1, 2]), {...options, total: 1234});
  assert.is(result.isPartial, true);
  assert.equal(result.missing, [1, 2]);
  assert.equal(result.intervals, {}, 'one item says nothing of others');
  assert.match(
    resultText(result),
    /^numbers val: scored over 1 of 1,234 items, 2 missing \(partial\)/,
  );
});

test('nothing predicted, and what a server scores', () => {
  const none = scoreRun(numbers, matched([]), {...options, total: 3}).result;
  assert.is(none.unscored, 'nothing was predicted');
  const served = {...numbers, score: () => undefined};
  const {result, itemScores} = scoreRun(served, matched(['1']), {...options, total: 1});
  assert.match(result.unscored!, /numbers val is scored by its server.*numbers_answer\.json/);
  assert.equal(itemScores, []);
  assert.match(resultText(result), /^numbers val: predictions of 1 of 1 items/);
});

test('a run folder is read back as it was written', () => {
  const run = scoreRun(numbers, matched(['1', '2', '6'], [3]), {...options, total: 4});
  const home = path.join(folder, 'run');
  const files = writeRun(home, run);
  assert.equal(readdirSync(home).sort(), ['numbers_answer.json', 'result.json', 'scores.jsonl']);
  assert.ok(files.every(existsSync));
  assert.equal(readResult(home), run.result);
  assert.equal(readItemScores(home), run.itemScores);
  assert.equal(
    JSON.parse(readFileSync(path.join(home, 'numbers_answer.json'), 'utf8')),
    run.submission,
  );
  assert.equal(findResult(path.join(home, 'predictions.jsonl')), run.result);
  assert.is(findResult(path.join(home, 'other.jsonl')), undefined);
});

test('folders that hold no run, and damaged ones', () => {
  throwsEmuError(() => readResult(path.join(folder, 'none')), /none: no such folder/);
  throwsEmuError(() => readResult(folder), /holds no result\.json; make one with .emu eval score/);
  const home = path.join(folder, 'damaged');
  mkdirSync(home);
  writeFileSync(path.join(home, 'result.json'), '{"benchmark": 5}');
  throwsEmuError(() => readResult(home), /result\.json: benchmark: /);
  writeFileSync(path.join(home, 'scores.jsonl'), '{"instance_id": 1, "mean": 2}\n{"mean": 2}\n');
  throwsEmuError(() => readItemScores(home), /scores\.jsonl: line 2 is not an item's scores/);
});

test('the same predictions give the same bytes', () => {
  const bytes = (name: string) => {
    const home = path.join(folder, name);
    writeRun(home, scoreRun(numbers, matched(['1', '2', '6', '0']), {...options, total: 4}));
    return readFileSync(path.join(home, 'result.json'), 'utf8');
  };
  assert.is(bytes('once'), bytes('twice'));
});

/** 400 items right with this probability. */
function run(seed: number, probability: number): ItemScores[] {
  const random = new Random(seed);
  return Array.from({length: 400}, (_, id) => ({
    id,
    scores: {accuracy: random.chance(probability) ? 100 : 0},
  }));
}

test('a real difference is told from none', () => {
  const better = compareRuns(run(1, 0.6), run(2, 0.4));
  const [accuracy] = better.metrics;
  assert.ok(accuracy!.isReal && accuracy!.low > 0 && accuracy!.pValue < 0.01);
  assert.is(accuracy!.difference, accuracy!.a - accuracy!.b);
  assert.match(comparisonText(better, 'accuracy'), /accuracy: A scores higher/);
  // Of runs that are alike one in twenty seems to differ.
  const alike = Array.from({length: 20}, (_, i) =>
    compareRuns(run(2 * i + 10, 0.5), run(2 * i + 11, 0.5)),
  );
  const none = alike.filter(({metrics}) => !metrics[0]!.isReal);
  assert.ok(none.length >= 17, `${none.length} of 20`);
  assert.match(comparisonText(none[0]!, 'accuracy'), /no real difference; 400 items can't tell/);
  assert.equal(compareRuns(run(1, 0.6), run(2, 0.4)), better, 'the draws are seeded');
});

test('only items of both runs are compared', () => {
  const a = run(1, 0.6);
  const comparison = compareRuns(a.slice(0, 300), a.slice(100).toReversed());
  assert.is(comparison.metrics[0]!.items, 200);
  assert.is(comparison.metrics[0]!.difference, 0);
  assert.equal([comparison.onlyA, comparison.onlyB], [100, 100]);
  assert.match(comparisonText(comparison, 'accuracy'), /left out: 100 items that only A/);
  throwsEmuError(() => compareRuns(a.slice(0, 5), a.slice(4)), /share 1 items/);
});

/** A run of the official predictions, in a folder. */
function officialRun(root: string, name: 'coco' | 'vqav2_val'): string {
  const home = path.join(folder, name);
  mkdirSync(home, {recursive: true});
  const file = path.join(home, 'predictions.jsonl');
  const lines = officialRuns()![name].predictions;
  writePredictions(
    file,
    lines.map(({instance_id: id, prediction}) => ({id, prediction})),
  );
  const [benchmark, split] = name === 'coco' ? ['coco', 'test'] : ['vqav2', 'val'];
  writeRun(home, scorePredictions(findBenchmark(benchmark!), [file], root, split));
  return home;
}

onLayouts('a run folder cannot be scored as another benchmark', (root) => {
  const home = officialRun(root, 'coco');
  throwsEmuError(
    () => scorePredictions(findBenchmark('okvqa'), [home], root),
    /is a run of coco test, not of okvqa val/,
  );
  const {result} = scorePredictions(findBenchmark('coco'), [home], root);
  assert.equal(result, readResult(home));
});

onLayouts('the report is one page with pictures in it, the worst items first', async (root) => {
  const runs = [];
  for (const name of ['coco', 'vqav2_val'] as const) {
    const home = officialRun(root, name);
    const result = readResult(home);
    const samples = await readSamples(home, result, readItemScores(home), 4);
    runs.push({name: home, result, samples});
  }
  const [coco] = runs;
  assert.equal(
    coco!.samples.groups.map(({title, samples}) => [title, samples.map(({id}) => id)]),
    [
      ['Worst', ['384213', '483108']],
      ['Best', ['391895', '60623']],
    ],
  );
  assert.equal(coco!.samples.notes, []);
  const page = reportPage(runs);
  assert.is(page.match(/<img src="data:image\/jpeg;base64,/g)!.length, 8);
  assert.not.match(page, /<script|https?:|<link|@import|url\(/);
  assert.match(page, /prefers-color-scheme: dark/);
  assert.match(page, /name="viewport"/);
  assert.match(page, /people: red · pink · orange/);
  assert.match(page, /3\.8250/);
  assert.match(page, /arXiv 2312\.09251, table 2/);
});

onLayouts('without the benchmark’s files a report has no pictures and says why', async (root) => {
  const home = officialRun(root, 'coco');
  const result = {...readResult(home), data: path.join(folder, 'moved')};
  const {groups, notes} = await readSamples(home, result, readItemScores(home), 4);
  assert.is(groups.length, 2);
  assert.is(groups[0]!.samples[0]!.said, 'yellow shapes');
  assert.ok(groups.every(({samples}) => samples.every(({picture}) => picture === undefined)));
  assert.match(notes[0]!, /without questions and pictures: .*no such file/);
});

test('what models and people said is text in the report, not HTML', () => {
  const evil = '<img src=x onerror="alert(1)">';
  const {result} = scoreRun(numbers, matched(['1', '2']), {...options, total: 2});
  const sample = {id: evil, question: evil, said: evil, expected: [evil], score: 1};
  const samples = {groups: [{title: 'Worst', samples: [sample]}], notes: [evil]};
  const page = reportPage([{name: evil, result: {...result, split: evil}, samples}]);
  assert.not.match(page, /<img/);
  assert.is(page.match(/&lt;img src=x onerror=&quot;alert\(1\)&quot;&gt;/g)!.length, 8);
});

test.run();
