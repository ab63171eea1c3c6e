// What the splits of `mini` consist of: tasks, each a kind of question with its items and what they are
// judged beside.
import type {Picture} from '../../../data/picture.js';
import {captionInstruction, captionOpening} from '../../../text/prompt.js';
import {withoutArticle} from '../../../train/emoji/words.js';
import {type BenchmarkItem, greedySearch, type Prediction, type Question} from '../../benchmark.js';

/** One generator for all splits: whoever runs them is asked the same. */
export const SEED = 1;

/** Items of each kind that is drawn: of a score near 50 % the standard error is 2 points. */
export const PER_KIND = 600;

export type Pictures = () => Promise<readonly Picture[]>;

/** What is asked and the right answer; the forms have {X} and {Y} in the place of names. */
export interface Asked {
  /** '': a caption is asked for, as `emu caption` does. */
  readonly question: string;
  readonly answer: string;
  readonly form: string;
  readonly answerForm: string;
}

export interface MiniItem extends BenchmarkItem {
  readonly id: string;
  readonly kind: string;
  readonly task: Task;
  /** What it counts in: its kind, and parts of that. */
  readonly metrics: readonly string[];
  readonly pictures: Pictures;
  readonly asked: Asked;
}

/** What a control changes of an item. */
export type Changed = Partial<Pick<MiniItem, 'pictures' | 'asked'>>;

export interface Task {
  readonly kind: string;
  readonly items: readonly MiniItem[];
  ask(item: MiniItem): Question;
  isRight(item: MiniItem, prediction: Prediction): boolean;
  /** Shares that are right without any picture: by chance, by the commonest answer, by the wording. */
  baselines(): Readonly<Record<'chance' | 'majority' | 'wording', number>>;
  /** Of each item, whether the answer to the nearest training picture is right. */
  nearest(items: readonly MiniItem[]): Promise<boolean[]>;
  /** By name; `other` is another item of the task. */
  controls(item: MiniItem, other: MiniItem): Readonly<Record<string, Changed>>;
}

/** A question as `emu vqa` puts it, a caption as `emu caption` asks for it. */
export function textQuestion(question: string): Question {
  if (question !== '') return {text: `{IMAGE}${question}`, plain: question, search: greedySearch};
  return {
    text: `{IMAGE}${captionInstruction}`,
    opening: ` ${captionOpening}`,
    plain: '',
    search: greedySearch,
  };
}

/** Whether two answers are the same words, articles and a final stop aside. */
export function isSame(said: string, expected: string): boolean {
  const bare = (text: string) => withoutArticle(text).replace(/\s*\.$/, '');
  return bare(said) === bare(expected);
}

export function white({width, height}: Pick<Picture, 'width' | 'height'>): Picture {
  return {width, height, data: new Uint8Array(3 * width * height).fill(255)};
}

/** White in the place of every picture, and the pictures of another item. */
export function pictureControls(item: MiniItem, other: MiniItem): Record<string, Changed> {
  return {
    blank: {pictures: async () => (await item.pictures()).map(white)},
    shuffled: {pictures: other.pictures},
  };
}

/** What stands still: its first frame all the time. */
export function firstFrame({pictures}: MiniItem): Changed {
  const still = async () => {
    const frames = await pictures();
    return frames.map(() => frames[0]!);
  };
  return {pictures: still};
}

/** The value of `make`, made when it is first asked for. */
export function once<T>(make: () => T): () => T {
  let made: {readonly value: T} | undefined;
  return () => {
    made ??= {value: make()};
    return made.value;
  };
}
