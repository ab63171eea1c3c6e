// What emu-mini says of a picture, and every word it knows.
import {splitWords} from '../../text/wordTokenizer.js';
import type {Concept} from './art.js';

const specials = ['<unk>', '<s>', '</s>', '[PAD]', '[IMG]', '[/IMG]', '<image>'];

export const questions = [
  'what is this?',
  'what is in the picture?',
  'what does the picture show?',
  'what can you see?',
] as const;

/** "a tangerine", "an owl". */
export function caption(label: string): string {
  return `${/^[aeiou]/i.test(label) ? 'an' : 'a'} ${label}`;
}

/** A caption's label again: lower case, the article removed. */
export function withoutArticle(text: string): string {
  return text
    .toLowerCase()
    .trim()
    .replace(/^(an?|the)\s+/, '');
}

/** The vocabulary of these concepts: special tokens first, then the words in order. */
export function vocabulary(concepts: readonly Concept[]): string[] {
  const texts = [...concepts.map(({label}) => caption(label)), ...questions, 'a an the .'];
  const words = new Set(texts.flatMap(splitWords));
  return [...specials, ...[...words].sort()];
}
