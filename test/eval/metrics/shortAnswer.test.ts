import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {shortAnswer} from '../../../src/eval/metrics/shortAnswer.js';
import {testOnMetrics} from '../../support/metricsData.js';

const test = suite('short answer');

testOnMetrics<readonly {in: string; out: string}[]>(
  test,
  'equals the official code',
  'vqa/short-answer.json',
  (cases) => {
    for (const {in: text, out} of cases) assert.is(shortAnswer(text), out, JSON.stringify(text));
  },
);

test('cuts, then trims, then drops openings once and in order', () => {
  assert.is(shortAnswer('It is a dog. It sits'), 'dog');
  assert.is(shortAnswer('the a dog'), 'a dog');
  assert.is(shortAnswer("it's it is cat"), 'it is cat');
  assert.is(shortAnswer('two , three'), 'two');
  assert.is(shortAnswer('wait...'), 'wait..');
  assert.is(shortAnswer('\n'), '');
});

test.run();
