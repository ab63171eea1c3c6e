// What a model is given: texts, pictures and videos in order.
import type {Picture} from './data/picture.js';
import type {PromptItem} from './text/prompt.js';

export type Item =
  | {readonly type: 'text'; readonly text: string}
  | {readonly type: 'image'; readonly picture: Picture}
  | {readonly type: 'video'; readonly frames: readonly Picture[]};

/** All pictures, the frames of videos among them, in order. */
export function picturesOf(items: readonly Item[]): Picture[] {
  return items.flatMap((item) =>
    item.type === 'image' ? [item.picture] : item.type === 'video' ? item.frames : [],
  );
}

/** The items as a prompt has them: places instead of pictures. */
export function promptItems(items: readonly Item[]): PromptItem[] {
  return items.map((item) => {
    if (item.type === 'text') return {type: 'text', text: item.text};
    return item.type === 'image' ? {type: 'image'} : {type: 'video', frames: item.frames.length};
  });
}
