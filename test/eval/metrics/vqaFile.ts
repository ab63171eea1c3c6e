// The form of vqa-400.json and okvqa-400.json, and what must hold of it.
import * as assert from 'uvu/assert';
import {scoreVqa, type VqaRule, vqaAccuracy} from '../../../src/eval/metrics/vqaAccuracy.js';

export interface VqaFile {
  readonly accuracy: {
    readonly overall: number;
    readonly perQuestionType: Record<string, number>;
    readonly perAnswerType: Record<string, number>;
  };
  readonly items: readonly {
    readonly question_id: number;
    readonly question_type: string;
    readonly answer_type: string;
    readonly prediction: string;
    readonly answers: readonly string[];
    readonly pred_after_punctuation: string;
    readonly pred_normalized: string;
    readonly answers_normalized: readonly string[];
    readonly answers_were_normalized: boolean;
    readonly accuracy: number;
  }[];
}

/** Every text and number of the file, exactly. */
export function checkVqaFile({accuracy, items}: VqaFile, rule: VqaRule): void {
  const result = vqaAccuracy(
    items.map((item) => ({
      prediction: item.prediction,
      answers: item.answers,
      questionType: item.question_type,
      answerType: item.answer_type,
    })),
    rule,
  );
  for (const [i, item] of items.entries()) {
    const score = scoreVqa(item.prediction, item.answers, rule);
    const what = `question ${item.question_id}`;
    assert.is(score.afterPunctuation, item.pred_after_punctuation, what);
    assert.is(score.prediction, item.pred_normalized, what);
    assert.equal(score.answers, item.answers_normalized, what);
    assert.is(score.isNormalized, item.answers_were_normalized, what);
    assert.is(result.perQuestion[i], item.accuracy, what);
  }
  assert.is(result.overall, accuracy.overall);
  assert.equal(Object.fromEntries(result.perQuestionType), accuracy.perQuestionType);
  assert.equal(Object.fromEntries(result.perAnswerType), accuracy.perAnswerType);
}
