// Exact match for MSVD-QA and MSRVTT-QA, whose answers are single words. Emu's own code for them is not
// public, so there are three rules; `normalized` is the one to report, by its name.
import {MetricError, mean} from './metricError.js';
import {pythonStrip} from './pythonText.js';
import {shortAnswer} from './shortAnswer.js';
import {normalizeWords, stripPunctuation, trimPrediction} from './vqaNormalize.js';

export interface ExactMatch {
  /** Equal in lower case without outer white space. */
  readonly plain: boolean;
  /** The short answer equals the reference. */
  readonly short: boolean;
  /** They are equal once both went through the normalisation of VQA predictions. */
  readonly normalized: boolean;
}

export interface MatchedTexts extends ExactMatch {
  readonly shortAnswer: string;
  readonly normalizedPrediction: string;
  readonly normalizedAnswer: string;
}

function normalize(text: string): string {
  return normalizeWords(stripPunctuation(trimPrediction(text)));
}

/** One raw prediction against its reference, by each rule. */
export function exactMatch(prediction: string, answer: string): MatchedTexts {
  const lower = (text: string) => pythonStrip(text.toLowerCase());
  const short = shortAnswer(prediction);
  const normalizedPrediction = normalize(short);
  const normalizedAnswer = normalize(answer);
  return {
    plain: lower(prediction) === lower(answer),
    short: short === answer,
    normalized: normalizedPrediction === normalizedAnswer,
    shortAnswer: short,
    normalizedPrediction,
    normalizedAnswer,
  };
}

/** Percent of matches by each rule. */
export function exactMatchAccuracy(
  items: readonly {readonly prediction: string; readonly answer: string}[],
): Record<keyof ExactMatch, number> {
  if (items.length === 0) throw new MetricError('exact match', 'expected items, got none');
  const matches = items.map(({prediction, answer}) => exactMatch(prediction, answer));
  const percent = (rule: keyof ExactMatch) =>
    100 * mean(matches.map((match) => (match[rule] ? 1 : 0)));
  return {plain: percent('plain'), short: percent('short'), normalized: percent('normalized')};
}
