// What emu-mini says of a picture.
import type {Random} from '../../random.js';

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

export type DocumentKind = 'caption' | 'question' | 'draw' | 'interleaved';

/** Where a picture stands in a document. */
export const PICTURE = Symbol('picture');

/** A document about pictures of these: texts, and the pictures in their order. */
export function documentPieces(
  kind: DocumentKind,
  labels: readonly string[],
  random: Random,
): (string | typeof PICTURE)[] {
  const said = caption(labels[0]!);
  switch (kind) {
    case 'caption':
      return [PICTURE, `${said}</s>`];
    case 'question':
      return [PICTURE, `${random.pick(questions)} ${said}</s>`];
    case 'draw':
      return [said, PICTURE, '</s>'];
    case 'interleaved':
      return [...labels.flatMap((label) => [PICTURE, `${caption(label)}.`] as const), '</s>'];
  }
}

/** A caption's label again: lower case, the article removed. */
export function withoutArticle(text: string): string {
  return text
    .toLowerCase()
    .trim()
    .replace(/^(an?|the)\s+/, '');
}

/** What documents hold beside names. */
export const documentWords: readonly string[] = [...questions, 'a an the .'];
