// Accuracy of VQAv2, OKVQA and VizWiz: for each human answer, how many of the others equal the prediction,
// three being enough (Antol et al. 2015, as mm_eval computes it in vqa_tools/vqa_eval.py).
import {groupBy} from './groupBy.js';
import {MetricError, mean} from './metricError.js';
import {porterStem} from './porterStemmer.js';
import {pythonRound} from './rounding.js';
import {normalizeWords, stripPunctuation, trimPrediction} from './vqaNormalize.js';

/** okvqa: answers are stemmed too. */
export type VqaRule = 'vqa' | 'okvqa';

export interface VqaItem {
  readonly prediction: string;
  /** What people answered, usually ten. */
  readonly answers: readonly string[];
  readonly questionType?: string;
  readonly answerType?: string;
}

export interface VqaScore {
  /** 0 to 1, not rounded. */
  readonly accuracy: number;
  /** The prediction after the punctuation step (with the stem in OKVQA), and as it is compared. */
  readonly afterPunctuation: string;
  readonly prediction: string;
  /** The human answers as they are compared: left alone where they are all the same. */
  readonly answers: readonly string[];
  readonly isNormalized: boolean;
}

function punctuationStep(text: string, rule: VqaRule): string {
  const plain = stripPunctuation(text);
  return rule === 'okvqa' ? porterStem(plain) : plain;
}

/** Scores one question. */
export function scoreVqa(
  prediction: string,
  answers: readonly string[],
  rule: VqaRule = 'vqa',
): VqaScore {
  if (answers.length === 0) throw new MetricError('VQA accuracy', 'a question has no human answer');
  const afterPunctuation = punctuationStep(trimPrediction(prediction), rule);
  const compared = normalizeWords(afterPunctuation);
  const isNormalized = new Set(answers).size > 1;
  const human = isNormalized ? answers.map((answer) => punctuationStep(answer, rule)) : answers;
  const numEqual = human.filter((answer) => answer === compared).length;
  const shares = human.map((answer) => Math.min(1, (numEqual - (answer === compared ? 1 : 0)) / 3));
  return {
    accuracy: mean(shares),
    afterPunctuation,
    prediction: compared,
    answers: human,
    isNormalized,
  };
}

export interface VqaAccuracy {
  /** Percent with two decimals, as are all numbers here. */
  readonly overall: number;
  readonly perQuestionType: ReadonlyMap<string, number>;
  readonly perAnswerType: ReadonlyMap<string, number>;
  /** In the order of the items. */
  readonly perQuestion: readonly number[];
}

function percent(accuracies: readonly number[]): number {
  const sum = accuracies.reduce((total, accuracy) => total + accuracy, 0);
  return pythonRound((100 * sum) / accuracies.length, 2);
}

/** The accuracy over a set of questions, and by type where the items say theirs. */
export function vqaAccuracy(items: readonly VqaItem[], rule: VqaRule = 'vqa'): VqaAccuracy {
  if (items.length === 0) throw new MetricError('VQA accuracy', 'expected questions, got none');
  const scored = items.map((item) => ({
    item,
    accuracy: scoreVqa(item.prediction, item.answers, rule).accuracy,
  }));
  const accuracies = scored.map(({accuracy}) => accuracy);
  const percentBy = (kind: 'questionType' | 'answerType') =>
    new Map(
      [...groupBy(scored, ({item}) => item[kind])].map(([type, members]) => [
        type,
        percent(members.map(({accuracy}) => accuracy)),
      ]),
    );
  return {
    overall: percent(accuracies),
    perQuestionType: percentBy('questionType'),
    perAnswerType: percentBy('answerType'),
    perQuestion: accuracies.map((accuracy) => pythonRound(100 * accuracy, 2)),
  };
}
