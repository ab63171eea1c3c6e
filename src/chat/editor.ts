// The input line as plain state: a reducer from what was and a key's meaning to what is.
import {layoutInput, placeInRow} from './inputLayout.js';

export interface EditorState {
  readonly text: string;
  /** UTF-16 units from the start, between characters as a person sees them. */
  readonly caret: number;
  /** What was cut last. */
  readonly killed: string;
  /** What was entered before, oldest first. */
  readonly history: readonly string[];
  /** Which of the history is shown; its length stands for what is being written. */
  readonly at: number;
  /** What was being written before the history was looked at. */
  readonly draft: string;
}

export type EditorAction =
  | {readonly type: 'insert'; readonly text: string}
  /** The text and caret become these. */
  | {readonly type: 'set'; readonly text: string; readonly caret?: number}
  | {readonly type: 'up' | 'down'; readonly columns: number}
  /** Empties the input; what was in it joins the history. */
  | {readonly type: 'enter'}
  | {
      readonly type:
        | 'backspace'
        | 'delete'
        | 'left'
        | 'right'
        | 'wordLeft'
        | 'wordRight'
        | 'lineStart'
        | 'lineEnd'
        | 'start'
        | 'end'
        | 'killToEnd'
        | 'killToStart'
        | 'killWord'
        | 'killWordRight'
        | 'yank'
        | 'clear';
    };

const MAX_HISTORY = 1000;
const characters = new Intl.Segmenter(undefined, {granularity: 'grapheme'});
const words = new Intl.Segmenter(undefined, {granularity: 'word'});

export function newEditor(history: readonly string[] = []): EditorState {
  const kept = history.slice(-MAX_HISTORY);
  return {text: '', caret: 0, killed: '', history: kept, at: kept.length, draft: ''};
}

function lineStart(text: string, caret: number): number {
  return text.lastIndexOf('\n', caret - 1) + 1;
}

function lineEnd(text: string, caret: number): number {
  const end = text.indexOf('\n', caret);
  return end < 0 ? text.length : end;
}

/** The place one character to the left; only the caret's line is looked at. */
function before(text: string, caret: number): number {
  const start = lineStart(text, caret);
  if (caret === start) return Math.max(0, caret - 1);
  let at = start;
  for (const {index} of characters.segment(text.slice(start, caret))) at = start + index;
  return at;
}

function after(text: string, caret: number): number {
  const end = lineEnd(text, caret);
  if (caret === end) return Math.min(text.length, caret + 1);
  const [first] = characters.segment(text.slice(caret, end));
  return caret + (first?.segment.length ?? 1);
}

function wordBefore(text: string, caret: number): number {
  const segments = [...words.segment(text.slice(0, caret))];
  const last = segments.findLast(({isWordLike}) => isWordLike);
  return last?.index ?? 0;
}

function wordAfter(text: string, caret: number): number {
  for (const {isWordLike, index, segment} of words.segment(text.slice(caret)))
    if (isWordLike) return caret + index + segment.length;
  return text.length;
}

/** Without `text[from, to)`, which is kept to be put back where `isKilled`. */
function cut(state: EditorState, from: number, to: number, isKilled: boolean): EditorState {
  if (from === to) return state;
  const {text} = state;
  return {
    ...state,
    text: text.slice(0, from) + text.slice(to),
    caret: from,
    ...(isKilled ? {killed: text.slice(from, to)} : {}),
  };
}

function insert(state: EditorState, added: string): EditorState {
  const {text, caret} = state;
  return {
    ...state,
    text: text.slice(0, caret) + added + text.slice(caret),
    caret: caret + added.length,
  };
}

function showHistory(state: EditorState, at: number): EditorState {
  const {history} = state;
  if (at < 0 || at > history.length || at === state.at) return state;
  const draft = state.at === history.length ? state.text : state.draft;
  const text = at === history.length ? draft : history[at]!;
  return {...state, text, caret: text.length, at, draft};
}

/** A row up or down; beyond the first and the last one the history goes on. */
function moveRow(state: EditorState, by: 1 | -1, columns: number): EditorState {
  const {rows, caretRow, caretColumn} = layoutInput(state.text, state.caret, columns);
  const row = rows[caretRow + by];
  if (!row) return showHistory(state, state.at + by);
  return {...state, caret: placeInRow(row, caretColumn)};
}

export function editorReducer(state: EditorState, action: EditorAction): EditorState {
  const {text, caret} = state;
  switch (action.type) {
    case 'insert':
      return insert(state, action.text);
    case 'set':
      return {...state, text: action.text, caret: action.caret ?? action.text.length};
    case 'enter': {
      const {history} = state;
      const isNew = text.trim() !== '' && text !== history.at(-1);
      return {...newEditor(isNew ? [...history, text] : history), killed: state.killed};
    }
    case 'clear':
      return {...newEditor(state.history), killed: state.killed};
    case 'backspace':
      return cut(state, before(text, caret), caret, false);
    case 'delete':
      return cut(state, caret, after(text, caret), false);
    case 'left':
      return {...state, caret: before(text, caret)};
    case 'right':
      return {...state, caret: after(text, caret)};
    case 'wordLeft':
      return {...state, caret: wordBefore(text, caret)};
    case 'wordRight':
      return {...state, caret: wordAfter(text, caret)};
    case 'lineStart':
      return {...state, caret: lineStart(text, caret)};
    case 'lineEnd':
      return {...state, caret: lineEnd(text, caret)};
    case 'start':
      return {...state, caret: 0};
    case 'end':
      return {...state, caret: text.length};
    case 'killToEnd': {
      const end = lineEnd(text, caret);
      // At the end of a line its line break goes, as in a shell's multi-line input.
      return cut(state, caret, end === caret ? Math.min(text.length, caret + 1) : end, true);
    }
    case 'killToStart':
      return cut(state, lineStart(text, caret), caret, true);
    case 'killWord':
      return cut(state, wordBefore(text, caret), caret, true);
    case 'killWordRight':
      return cut(state, caret, wordAfter(text, caret), true);
    case 'yank':
      return insert(state, state.killed);
    case 'up':
      return moveRow(state, -1, action.columns);
    case 'down':
      return moveRow(state, 1, action.columns);
  }
}
