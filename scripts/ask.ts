// What the scoring scripts share: greedy answers, and how often drawings on white are named.
import {readImage} from '../src/data/image.js';
import type {Emu, Item} from '../src/emu.js';
import {type Concept, renderOnWhite} from '../src/train/emoji/art.js';
import {withoutArticle} from '../src/train/emoji/words.js';

const PICTURE_SIZE = 256;

/** A share of right answers. */
export interface Score {
  readonly right: number;
  readonly count: number;
}

export const share = ({right, count}: Score) => right / count;

/** Of the share. */
export const standardError = (score: Score) =>
  Math.sqrt((share(score) * (1 - share(score))) / score.count);

export const percent = (value: number) => (100 * value).toFixed(1);

/** The model's greedy answer. */
export async function ask(
  emu: Emu,
  items: readonly Item[],
  task: 'caption' | 'vqa' | 'video-qa',
): Promise<string> {
  let said = '';
  for await (const event of emu.generateText(items, {task, numBeams: 1, maxTokens: 24}))
    if (event.type === 'done') said = event.result.text;
  return said;
}

/** Whether two answers are the same words, articles and a final stop aside. */
export function isSame(said: string, expected: string): boolean {
  const bare = (text: string) => withoutArticle(text).replace(/\s*\.$/, '');
  return bare(said) === bare(expected);
}

/**
 * How many of the concepts that a vendor draws are named: by a caption, or in answer to a question.
 * `onWrong` is told the label and what was said instead.
 */
export async function scoreNaming(
  emu: Emu,
  concepts: readonly Concept[],
  vendor: string,
  question: string | undefined,
  onWrong: (label: string, said: string) => void = () => {},
): Promise<Score> {
  const drawn = concepts.filter(({icons}) => icons[vendor]);
  let right = 0;
  for (const concept of drawn) {
    const picture = await readImage(await renderOnWhite(concept, vendor, PICTURE_SIZE));
    const shown = {type: 'image', picture} as const;
    const said = question
      ? await ask(emu, [shown, {type: 'text', text: question}], 'vqa')
      : await ask(emu, [shown], 'caption');
    if (isSame(said, concept.label)) right++;
    else onWrong(concept.label, said);
  }
  return {right, count: drawn.length};
}
