import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {numpyRound, pythonRound} from '../../../src/eval/metrics/rounding.js';
import {scoreVqa, vqaAccuracy} from '../../../src/eval/metrics/vqaAccuracy.js';
import {normalizeWords, stripPunctuation} from '../../../src/eval/metrics/vqaNormalize.js';
import {throwsEmuError} from '../../support/errors.js';
import {testOnMetrics} from '../../support/metricsData.js';
import {checkVqaFile, type VqaFile} from './vqaFile.js';

const test = suite('VQA accuracy');

testOnMetrics<VqaFile>(test, 'equals the official code', 'vqa/vqa-400.json', (json) =>
  checkVqaFile(json, 'vqa'),
);

test('counts equal answers among the other people', () => {
  const answers = ['red', 'red', 'red', 'blue', 'blue', 'green', '4', '5', '6', '7'];
  // Each of the three finds two others, the seven find all three.
  assert.ok(Math.abs(scoreVqa('Red', answers).accuracy - (3 * (2 / 3) + 7) / 10) < 1e-12);
  assert.is(scoreVqa('pink', answers).accuracy, 0);
});

test('leaves people alone: two in words is never met', () => {
  assert.is(scoreVqa('two', ['two', 'two', 'two', 'two.', '3']).accuracy, 0);
  assert.is(scoreVqa('two', new Array(10).fill('two')).accuracy, 0);
  assert.is(scoreVqa('two', new Array(10).fill('2')).accuracy, 1);
  assert.is(scoreVqa('dog', new Array(10).fill('dog.')).accuracy, 0);
});

test('punctuation: spaces beside a sign, grouped numbers and stops decide', () => {
  assert.is(stripPunctuation('t-shirt'), 't shirt');
  assert.is(stripPunctuation('t-shirt - red'), 'tshirt  red');
  assert.is(stripPunctuation('and/or 1,000'), 'andor 1000');
  assert.is(stripPunctuation('3.a 5. .5 3.5'), '3a 5 .5 3.5');
  assert.is(stripPunctuation('.'.repeat(40)), '.'.repeat(8));
  assert.is(stripPunctuation("it's 5:30 & 10%"), "it's 5:30 & 10%");
});

test('words: numbers, articles, contractions', () => {
  assert.is(normalizeWords('The  None of TEN'), '0 of 10');
  assert.is(normalizeWords("dont Im somebody'd yall'd've an"), "don't im somebodyd y'all'd've");
});

test('rounds as Python: half to even on the number as stored', () => {
  const cases: [number, number, number][] = [
    [0.125, 2, 0.12],
    [0.375, 2, 0.38],
    [2.675, 2, 2.67],
    [-0.125, 2, -0.12],
    [12.5, 0, 12],
    [0.5, 0, 0],
    [1.5, 0, 2],
    [99.995, 2, 100],
    [33.333333, 2, 33.33],
  ];
  for (const [x, decimals, expected] of cases) assert.is(pythonRound(x, decimals) + 0, expected);
  assert.is(numpyRound(2.675, 2), 2.68);
  assert.ok(Number.isNaN(pythonRound(Number.NaN, 2)));
});

test('names what is missing', () => {
  throwsEmuError(() => vqaAccuracy([]), /expected questions, got none/);
  throwsEmuError(() => scoreVqa('red', []), /no human answer/);
});

test.run();
