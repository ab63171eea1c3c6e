// The answer that goes into a VizWiz result file (mm_eval, datasets/vizwiz.py). The score is the VQA rule.
import {shortAnswer} from './shortAnswer.js';

/**
 * The model is asked first whether the answer is known, then for the answer. Only the very text `no.` makes
 * a question unanswerable: `no` and `No.` do not.
 */
export function vizwizAnswer(answerability: string, prediction: string): string {
  return answerability === 'no.' ? 'unanswerable' : shortAnswer(prediction);
}
