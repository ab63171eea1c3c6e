import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {scoreVqa} from '../../../src/eval/metrics/vqaAccuracy.js';
import {testOnMetrics} from '../../support/metricsData.js';
import {checkVqaFile, type VqaFile} from './vqaFile.js';

const test = suite('OKVQA accuracy');

testOnMetrics<VqaFile>(test, 'equals the official code', 'vqa/okvqa-400.json', (json) =>
  checkVqaFile(json, 'okvqa'),
);

test('stems people only where they differ, predictions always', () => {
  assert.is(scoreVqa('bowling', new Array(10).fill('bowling'), 'okvqa').accuracy, 0);
  assert.is(scoreVqa('bowling', [...new Array(9).fill('bowls'), 'ball'], 'okvqa').accuracy, 1);
});

test('stems a phrase as one word: only its end goes, and more of it', () => {
  assert.is(scoreVqa('Cities', ['a', 'b'], 'okvqa').prediction, 'citi');
  assert.is(scoreVqa('Cities cities', ['a', 'b'], 'okvqa').prediction, 'cities c');
});

test.run();
