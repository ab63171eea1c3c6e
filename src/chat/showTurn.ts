// Turns as entries of a chat's log.
import type {Picture} from '../data/picture.js';
import type {ChatLog} from './chatLog.js';
import type {ChatPart} from './chatModel.js';
import {loadDrawing, loadPart} from './media.js';
import type {ChatStore} from './store.js';
import {
  type Conversation,
  type Question,
  questionText,
  type TurnAnswer,
  type UserMedia,
  type UserPart,
} from './transcript.js';

/** Turns of an earlier sitting that are shown again. */
const SHOWN_TURNS = 20;

export const mediaOf = (parts: readonly UserPart[]) =>
  parts.filter((part): part is UserMedia => part.type !== 'text');

/** What was said in an earlier sitting; a question that was not answered goes back to the input. */
export async function showPast(
  log: ChatLog,
  store: ChatStore,
  {turns, unanswered}: Conversation,
): Promise<void> {
  const shown = turns.slice(-SHOWN_TURNS);
  const numEarlier = turns.length - shown.length;
  if (numEarlier > 0) log.note(`${numEarlier} earlier turns are not shown`);
  for (const {wants, parts, answer} of shown) {
    await showQuestion(log, store, {wants, parts});
    if (answer.type === 'text') {
      const {text, isStopped} = answer;
      log.add({type: 'answer', text, isStopped, facts: undefined});
    } else await showDrawing(log, store, answer, parts, true);
  }
  if (!unanswered) return;
  log.note('the last question was not answered; it is back in the input');
  giveBack(log, unanswered);
}

/** Shows a question with its pictures; returns it as the model takes it. */
export async function showQuestion(
  log: ChatLog,
  store: ChatStore,
  {wants, parts}: Question,
): Promise<ChatPart[]> {
  const loaded: ChatPart[] = [];
  const pictures: Picture[] = [];
  for (const part of parts) {
    const read = await loadPart(store, part);
    loaded.push(read);
    if (read.type === 'image') pictures.push(read.picture);
    if (read.type === 'video') pictures.push(read.frames[0]!);
  }
  log.add({type: 'question', wants, parts, pictures});
  return loaded;
}

export async function showDrawing(
  log: ChatLog,
  store: ChatStore,
  answer: Extract<TurnAnswer, {type: 'drawing'}>,
  parts: readonly UserPart[],
  isPast: boolean,
): Promise<void> {
  const picture = await loadDrawing(store, answer);
  const {seed, isFlagged} = answer;
  const file = store.pictureFile(answer.file);
  const prompt = questionText(parts);
  log.add({type: 'drawing', picture, file, seed, isFlagged, prompt, isPast});
}

/** A question that has no answer goes back to where it is written. */
export function giveBack(log: ChatLog, {wants, parts}: Question): void {
  const words = questionText(parts, false);
  log.update({pending: mediaOf(parts)});
  log.setDraft(wants === 'drawing' ? `/draw ${words}` : words);
}
