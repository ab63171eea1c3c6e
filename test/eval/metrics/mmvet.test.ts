import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {mmvetResultFile, mmvetScores} from '../../../src/eval/metrics/mmvet.js';
import {throwsEmuError} from '../../support/errors.js';
import {testOnMetrics} from '../../support/metricsData.js';

interface AggregateFile {
  readonly runs: number;
  readonly samples: Record<string, {readonly capability: string[]; readonly scores: number[]}>;
  readonly expected: {
    readonly per_capability: Record<string, number>;
    readonly 'per_integration (capability set)': Record<string, number>;
    readonly total: number;
    readonly 'std_over_runs (population)': number;
    readonly totals_per_run: readonly number[];
  };
}

const test = suite('MM-Vet');

testOnMetrics<AggregateFile>(test, 'equals the official table', 'mmvet/aggregate.json', (json) => {
  const found = mmvetScores(
    Object.values(json.samples).map(({capability, scores}) => ({capabilities: capability, scores})),
  );
  const {expected} = json;
  assert.equal(Object.fromEntries(found.perCapability), expected.per_capability);
  assert.equal(
    Object.fromEntries(found.perIntegration),
    expected['per_integration (capability set)'],
  );
  assert.is(found.total, expected.total);
  assert.is(found.std, expected['std_over_runs (population)']);
  assert.equal(found.totalsPerRun, expected.totals_per_run);
});

testOnMetrics<Record<string, string>>(
  test,
  'the result file reads back',
  'mmvet/expected-format.json',
  (json) => {
    const text = mmvetResultFile(new Map(Object.entries(json)), Object.keys(json));
    assert.equal(JSON.parse(text), json);
  },
);

test('the result file keeps texts and their order', () => {
  const answers = new Map([
    ['v1_1', 'a | "b"\n'],
    ['7', 'é'],
  ]);
  assert.is(mmvetResultFile(answers), '{"v1_1": "a | \\"b\\"\\n", "7": "é"}');
  assert.is(mmvetResultFile(new Map()), '{}');
});

test('names what is missing', () => {
  const answers = new Map([['v1_0', 'red']]);
  throwsEmuError(
    () => mmvetResultFile(answers, ['v1_0', 'v1_1']),
    /1 samples have no answer, first v1_1/,
  );
  throwsEmuError(() => mmvetResultFile(answers, []), /1 answers are of no sample, first v1_0/);
  throwsEmuError(() => mmvetScores([]), /expected grades, got none/);
  const sample = {capabilities: ['rec'], scores: [0.5, 1]};
  throwsEmuError(() => mmvetScores([sample, {...sample, scores: [1]}]), /2 grades a sample, got 1/);
  throwsEmuError(() => mmvetScores([{...sample, scores: [10]}]), /grades of 0 to 1, got 10/);
});

test.run();
