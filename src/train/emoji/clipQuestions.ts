// Questions about a clip: what its object does, and which way it moves.
import type {Random} from '../../random.js';
import {type Clip, type ClipEvent, drawClip, events} from './clip.js';
import {forms, happening} from './forms.js';
import {type ClipKind, put, type Question} from './questions.js';
import type {SceneMaker} from './scene.js';

export const clipKinds = ['event', 'direction', 'happens'] as const satisfies readonly ClipKind[];

export interface AskedClip {
  readonly clip: Clip;
  readonly question: Question;
}

/** A clip for a question of this kind, and the question. */
export function drawClipQuestion(kind: ClipKind, maker: SceneMaker, random: Random): AskedClip {
  const event: ClipEvent = kind === 'direction' ? 'moves' : random.pick(events);
  const clip = drawClip(maker, event, random);
  const answer = {
    event,
    direction: clip.direction ?? '',
    happens: happening(event, clip.direction),
  }[kind];
  const asked = {form: random.pick(forms[kind]), answer, x: maker.label(clip.concept)};
  return {clip, question: put(kind, asked)};
}

const turned: Readonly<Record<string, string>> = {
  left: 'right',
  right: 'left',
  up: 'down',
  down: 'up',
  appears: 'disappears',
  disappears: 'appears',
  grows: 'shrinks',
  shrinks: 'grows',
};

/** The question with the answer that is right when the clip runs backwards. */
export function reversed(question: Question): Question {
  // The word stands last; names come before it.
  const turn = (text: string) => text.replace(/\w+$/, (word) => turned[word] ?? word);
  const {answer, answerForm} = question;
  return {...question, answer: turn(answer), answerForm: turn(answerForm)};
}
