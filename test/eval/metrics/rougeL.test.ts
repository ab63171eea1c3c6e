import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {rougeL} from '../../../src/eval/metrics/caption/rougeL.js';

const test = suite('rougeL');

const score = (candidate: string, ...references: string[]) =>
  rougeL([{candidate, references}]).corpus;

test('longest common subsequence', () => {
  // police ... the gunman: 2 of 4 words, 2 of 4 words
  assert.ok(Math.abs(score('the gunman kill police', 'police killed the gunman') - 0.5) < 1e-12);
  assert.is(score('a b c', 'a b c'), 1);
  assert.is(score('a b c', 'x y'), 0);
});

test('precision and recall may be of two references', () => {
  // precision 1 of the first, recall 1 of the second
  assert.is(score('a b', 'a b c d', 'a'), 1);
});

test('an empty caption is one empty token', () => {
  assert.is(score('', 'a'), 0);
  assert.is(score('', ''), 1);
});

test.run();
