// Texts broken into rows of a given width, and where the caret stands in them.
import {graphemes, textWidth} from './textWidth.js';

/** One row on the screen: `text.slice(start, end)`. */
export interface InputRow {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface InputLayout {
  readonly rows: readonly InputRow[];
  /** Where the caret stands: a row, and columns from its left. */
  readonly caretRow: number;
  readonly caretColumn: number;
}

/** Rows of at most `columns`; a row that is full lets the caret after it stand on the next one. */
export function layoutInput(text: string, caret: number, columns: number): InputLayout {
  const rows: InputRow[] = [];
  let lineStart = 0;
  for (const line of text.split('\n')) {
    let start = lineStart;
    let at = lineStart;
    let width = 0;
    for (const grapheme of graphemes(line)) {
      const wide = textWidth(grapheme);
      if (width + wide > columns && at > start) {
        rows.push({start, end: at, text: text.slice(start, at)});
        start = at;
        width = 0;
      }
      at += grapheme.length;
      width += wide;
    }
    rows.push({start, end: at, text: text.slice(start, at)});
    if (width >= columns) rows.push({start: at, end: at, text: ''});
    lineStart += line.length + 1;
  }
  const caretRow = Math.max(
    0,
    rows.findLastIndex(({start}) => start <= caret),
  );
  const row = rows[caretRow]!;
  return {rows, caretRow, caretColumn: textWidth(text.slice(row.start, caret))};
}

/** The place in a row that is nearest to `column`. */
export function placeInRow(row: InputRow, column: number): number {
  let at = row.start;
  let width = 0;
  for (const grapheme of graphemes(row.text)) {
    const wide = textWidth(grapheme);
    if (width + wide > column) break;
    width += wide;
    at += grapheme.length;
  }
  return at;
}

/** A text as rows of at most `columns`, broken between words where that is possible. */
export function wrapWords(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => {
    const rows: string[] = [];
    let row = '';
    let width = 0;
    for (const word of line.split(/(?<=\s)(?=\S)/)) {
      const wide = textWidth(word.trimEnd());
      if (width > 0 && width + wide > columns) {
        rows.push(row.trimEnd());
        row = '';
        width = 0;
      }
      if (wide <= columns) {
        row += word;
        width += textWidth(word);
        continue;
      }
      for (const grapheme of graphemes(word)) {
        const one = textWidth(grapheme);
        if (width + one > columns) {
          rows.push(row);
          row = '';
          width = 0;
        }
        row += grapheme;
        width += one;
      }
    }
    rows.push(row.trimEnd());
    return rows;
  });
}
