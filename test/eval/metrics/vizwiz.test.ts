import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {vizwizAnswer} from '../../../src/eval/metrics/vizwiz.js';
import {vqaAccuracy} from '../../../src/eval/metrics/vqaAccuracy.js';
import {testOnMetrics} from '../../support/metricsData.js';

interface VizwizFile {
  readonly overall: number;
  readonly items: readonly {
    readonly answerability_text: string;
    readonly raw_prediction: string;
    readonly final_answer: string;
    readonly answers: readonly string[];
    readonly accuracy: number;
  }[];
}

const test = suite('VizWiz');

testOnMetrics<VizwizFile>(test, 'equals the official code', 'vqa/vizwiz-120.json', (json) => {
  const answered = json.items.map((item) => ({
    prediction: vizwizAnswer(item.answerability_text, item.raw_prediction),
    answers: item.answers,
  }));
  const {overall, perQuestion} = vqaAccuracy(answered);
  for (const [i, item] of json.items.entries()) {
    assert.is(answered[i]!.prediction, item.final_answer, `item ${i}`);
    assert.is(perQuestion[i], item.accuracy, `item ${i}`);
  }
  assert.is(overall, json.overall);
});

test('only the very text "no." is unanswerable', () => {
  assert.is(vizwizAnswer('no.', 'a cup.'), 'unanswerable');
  for (const text of ['no', 'No.', 'no. ', 'yes.', ''])
    assert.is(vizwizAnswer(text, 'a cup.'), 'cup');
});

test.run();
