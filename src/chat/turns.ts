// The turns of a chat as token ids. The template of instruction tuning, as its official code and data have it:
//   <system> [USER]: <what is said> [ASSISTANT]: <answer></s> [USER]: ... [ASSISTANT]: ...</s>
// with pictures as [IMG]<image>...[/IMG] where they are shown. Cut at special tokens, around which whitespace
// counts for nothing, its pieces have the ids of the whole. A pretrained model, which knows no turns, goes on
// with one document: <system> <what is said> <answer> <what is said> ..., whose answers stay without their end.
import type {ModelInMode} from '../loadModes.js';
import type {History} from '../model/history.js';
import {imagePlaceholder, PromptError, systemTexts} from '../text/prompt.js';
import type {Tokenizer} from '../text/tokenizer.js';
import {strip} from '../text/whitespace.js';
import type {ChatPart} from './chatModel.js';

/** Emu-I's text for what the first turn shows. Without a video that for a picture: one may come later. */
function defaultSystem(mode: ModelInMode['mode'], firstTurn: readonly ChatPart[]): string {
  if (mode === 'pretrain') return '';
  return systemTexts[firstTurn.some(({type}) => type === 'video') ? 'video' : 'image'];
}

/** What stands before the first turn: BOS and the system text. Throws PromptError for one with <image>. */
export function openingIds(
  {mode, tokenizer}: ModelInMode,
  system: string | undefined,
  firstTurn: readonly ChatPart[],
): number[] {
  const ids = tokenizer.encode(strip(system ?? defaultSystem(mode, firstTurn)), {bos: true});
  refuse(tokenizer, ids, [tokenizer.ids.image], 'the system text');
  return ids;
}

/** The history with its last answer ended as the next turn's question expects. */
export function closed({mode, tokenizer}: ModelInMode, history: History): History {
  const {eos} = tokenizer.ids;
  const hasEnd = history.ids.at(-1) === eos;
  if (mode === 'pretrain') return hasEnd ? history.upTo(history.length - 1) : history;
  return hasEnd || history.turns.length === 0 ? history : history.append([eos]);
}

/**
 * What is said in a turn, up to where the answer begins. Throws PromptError where nothing is said, and where a
 * text holds a special token: it would be taken for the conversation's own.
 */
export function questionIds(
  {mode, tokenizer}: ModelInMode,
  parts: readonly ChatPart[],
  numImageTokens: number,
): number[] {
  const said = parts.filter((part) => part.type !== 'text' || strip(part.text) !== '');
  if (said.length === 0) throw new PromptError('chat: expected a text or a picture, got none');
  const {unk, ...special} = tokenizer.ids;
  const pieces = said.map((part, i) => {
    if (part.type === 'text') {
      const ids = tokenizer.encode(part.text, {bos: false});
      refuse(tokenizer, ids, Object.values(special), 'a text');
      return said[i - 1]?.type === 'text' ? ` ${part.text}` : part.text;
    }
    return imagePlaceholder(numImageTokens).repeat(picturesIn(part));
  });
  const content = pieces.join('');
  const text = mode === 'instruct' ? `[USER]: ${content} [ASSISTANT]:` : content;
  return tokenizer.encode(text, {bos: false});
}

/** An answer that is a picture. */
export function pictureAnswerIds({mode, tokenizer}: ModelInMode, numImageTokens: number): number[] {
  const end = mode === 'instruct' ? '</s>' : '';
  return tokenizer.encode(imagePlaceholder(numImageTokens) + end, {bos: false});
}

function picturesIn(part: ChatPart): number {
  return part.type === 'text' ? 0 : part.type === 'image' ? 1 : part.frames.length;
}

function refuse(
  tokenizer: Tokenizer,
  ids: readonly number[],
  special: readonly number[],
  what: string,
): void {
  const found = ids.find((id) => special.includes(id));
  if (found === undefined) return;
  throw new PromptError(
    `chat: ${what} holds "${tokenizer.decode([found])}", which is a sign of the model's own; write it in another way`,
  );
}
