// A benchmark's question as the text that the model reads, with {IMAGE} where the pictures stand.
import {systemTexts} from '../text/prompt.js';
import type {Benchmark, Question} from './benchmark.js';

type Mode = 'instruct' | 'pretrain';

/** A question that is answered before the one that is asked, with or without its picture. */
export interface AnsweredQuestion {
  readonly question: Question;
  readonly answer: string;
  readonly isShown: boolean;
}

/**
 * An instruct model is told what it will see and asked as in a conversation, whose answer is begun for it;
 * a pretrained one reads the pictures, then the plain question. {IMAGE} stands once, for all pictures.
 */
export function evalPrompt(
  {text, opening = '', plain}: Question,
  mode: Mode,
  media: Benchmark['media'] = 'picture',
): string {
  if (mode === 'pretrain') return `{IMAGE}${plain}`;
  const system = media === 'video' ? systemTexts.video : systemTexts.image;
  return `${system} [USER]: ${text} [ASSISTANT]:${opening}`;
}

/**
 * The same after examples, of which the last is the likest. A pretrained model reads all as one text (Emu1's
 * in-context example); for an instruct model each is a turn of the conversation, as the official evaluation has
 * them in dialogs. There is no system text, as in the official form of interleaved prompts.
 */
export function fewShotPrompt(
  examples: readonly AnsweredQuestion[],
  question: Question,
  mode: Mode,
): string {
  const parts = examples.map(
    (example) => `${asked(example.question, mode, example.isShown)} ${sentence(example.answer)}`,
  );
  const separator = mode === 'instruct' ? '</s> ' : ' ';
  return [...parts, asked(question, mode, true)].join(separator);
}

function asked(
  {text, opening = '', plain, fewShot}: Question,
  mode: Mode,
  isShown: boolean,
): string {
  if (mode === 'pretrain') return `${isShown ? '{IMAGE}' : ''}${fewShot ?? plain}`.trimStart();
  // In dialogs the picture is a turn of its own, which goes with it.
  const said = isShown ? text : text.replace(/^\{IMAGE\}(<\/s> \[USER\]:)?\s*/, '');
  return `[USER]: ${said} [ASSISTANT]:${opening}`;
}

const sentence = (answer: string) => `${answer.trim().replace(/\.$/, '')}.`;
