// How many columns a text takes. The function is ink's own: the caret stands where ink draws, and
// another version of it may count an emoji otherwise.
import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';

const inkRequire = createRequire(import.meta.resolve('ink'));
const {default: stringWidth} = (await import(
  pathToFileURL(inkRequire.resolve('string-width')).href
)) as {default: (text: string) => number};

const segmenter = new Intl.Segmenter(undefined, {granularity: 'grapheme'});
const isAscii = (text: string) => /^[\x20-\x7e]*$/.test(text);

/** Columns that `text`, one line, takes in a terminal. */
export function textWidth(text: string): number {
  return isAscii(text) ? text.length : stringWidth(text);
}

/** What a person sees as one character each. */
export function graphemes(line: string): string[] {
  return isAscii(line) ? [...line] : Array.from(segmenter.segment(line), ({segment}) => segment);
}

/** The beginning of a line that fits in `columns`, with an ellipsis where something is left out. */
export function cutToWidth(line: string, columns: number): string {
  if (textWidth(line) <= columns) return line;
  let cut = '';
  let width = 0;
  for (const grapheme of graphemes(line)) {
    width += textWidth(grapheme);
    if (width > columns - 1) break;
    cut += grapheme;
  }
  return `${cut}…`;
}
