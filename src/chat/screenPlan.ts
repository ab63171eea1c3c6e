// The part of the screen that changes, as rows: what is going on, the input, the status line. It is
// always less high than the terminal; Ink would clear screen and scrollback otherwise.
import type {InputState} from './chatInput.js';
import {layoutInput, wrapWords} from './inputLayout.js';
import {describeMedia} from './attachments.js';
import {type ChatState, contextShare, NEARLY_FULL} from './state.js';
import {cutToWidth, textWidth} from './textWidth.js';

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

export interface ScreenRow {
  readonly text: string;
  readonly style: 'plain' | 'prompt' | 'dim' | 'warning' | 'coloured';
}

export interface ScreenPlan {
  readonly rows: readonly ScreenRow[];
  /** Where the caret stands among them. */
  readonly cursor: {readonly x: number; readonly y: number};
}

export const PROMPT = '› ';
const INDENT = '  ';
/** Rows that stay free: Ink's last line end, and one so that the history is seen to go on above. */
const FREE_ROWS = 2;

/** Columns of the input beside its prompt. */
export function inputColumns({columns}: ScreenSize): number {
  return Math.max(4, columns - PROMPT.length - 1);
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

/** Tokens, what is left of the context, speed, memory: as much of it as fits. */
export function statusText(state: ChatState, memoryBytes: number, columns: number): string {
  const {model, status, tokensPerSecond, live} = state;
  const parts: string[] = [model.name];
  if (model.phase === 'loading') parts.push('loading');
  if (model.phase === 'failed') parts.push('not loaded: /model NAME takes another');
  if (model.info) parts.push(model.info.backend);
  if (status) {
    const {contextTokens, contextLength, droppedTurns} = status;
    parts.push(`${contextTokens} tokens, ${contextLength - contextTokens} left`);
    if (droppedTurns > 0) parts.push(`${droppedTurns} turns dropped`);
  }
  if (tokensPerSecond !== undefined) parts.push(`${tokensPerSecond.toFixed(1)} tokens/s`);
  parts.push(megabytes(memoryBytes));
  const keys = live ? 'Esc stops' : '/help';
  const fits = (count: number) => textWidth([...parts.slice(0, count), keys].join(' · ')) < columns;
  let count = parts.length;
  while (count > 1 && !fits(count)) count--;
  return cutToWidth([...parts.slice(0, count), keys].join(' · '), columns - 1);
}

function liveRows(
  state: ChatState,
  preview: string | undefined,
  {columns, rows}: ScreenSize,
): ScreenRow[] {
  const {live} = state;
  if (!live) return [];
  const plain = (text: string): ScreenRow => ({text, style: 'plain'});
  if (live.type === 'busy') return [{text: `${live.what} …`, style: 'dim'}];
  if (live.type === 'answer') {
    if (live.text === '') return [{text: 'answering …', style: 'dim'}];
    // Its end alone: the whole goes to the history when it is done.
    return wrapWords(cleanControls(live.text), columns - 1)
      .slice(-rows)
      .map(plain);
  }
  const {step, steps} = live;
  const width = Math.min(24, columns - 30);
  const done = Math.round((width * step) / steps);
  const bar = width > 0 ? `${'■'.repeat(done)}${'·'.repeat(width - done)} ` : '';
  const shown = preview?.split('\n') ?? [];
  const fitting = shown.length < rows ? shown : [];
  return [
    ...fitting.map((text): ScreenRow => ({text, style: 'coloured'})),
    {text: `drawing ${bar}step ${step} of ${steps}`, style: 'dim'},
  ];
}

/** Text of a model or a person without what would move the cursor. */
export function cleanControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return text.replace(/\t/g, '    ').replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, '');
}

function offeredRows(input: InputState, columns: number, most: number): ScreenRow[] {
  const {offered} = input;
  if (!offered) return [];
  const {candidates, chosen} = offered;
  const names = candidates.map((name, i) => (i === chosen ? `[${name}]` : name));
  const first = Math.max(0, Math.min(chosen, names.length - 1));
  // The chosen one is among those that are seen.
  const seen = names.slice(first > 8 ? first - 8 : 0);
  return wrapWords(seen.join('  '), columns - 1)
    .slice(0, most)
    .map((text): ScreenRow => ({text, style: 'dim'}));
}

/** Rows for a terminal of that size; `preview` is the picture that forms, a line of text a row. */
export function planScreen(
  state: ChatState,
  input: InputState,
  size: ScreenSize,
  memoryBytes: number,
  preview?: string,
): ScreenPlan {
  const {columns} = size;
  const available = Math.max(3, size.rows - FREE_ROWS);
  const dim = (text: string): ScreenRow => ({text: cutToWidth(text, columns - 1), style: 'dim'});

  const layout = layoutInput(input.editor.text, input.editor.caret, inputColumns(size));
  const inputHeight = Math.min(layout.rows.length, Math.max(1, Math.floor(available / 3)));
  const first = Math.max(0, Math.min(layout.caretRow, layout.rows.length - inputHeight));
  const inputRows = layout.rows.slice(first, first + inputHeight).map(
    ({text}, i): ScreenRow => ({
      text: `${first + i === 0 ? PROMPT : INDENT}${cleanControls(text)}`,
      style: 'prompt',
    }),
  );

  const isFull = state.status !== undefined && contextShare(state.status) >= NEARLY_FULL;
  const status: ScreenRow = {
    text: statusText(state, memoryBytes, columns),
    style: isFull ? 'warning' : 'dim',
  };
  const above: ScreenRow[] = [
    ...state.queued.slice(0, 2).map((text) => dim(`waits: ${text.replace(/\s+/g, ' ')}`)),
    ...(state.pending.length > 0
      ? [dim(`with the next question: ${state.pending.map(describeMedia).join(', ')}`)]
      : []),
  ];
  const below: ScreenRow[] = [
    ...offeredRows(input, columns, Math.max(1, Math.floor(available / 4))),
    ...(input.hint ? [dim(input.hint)] : []),
    status,
  ];
  const left = available - inputRows.length - 1;
  const shownBelow = [...below.slice(0, -1).slice(0, Math.max(0, left)), status];
  const shownAbove = above.slice(0, Math.max(0, left - (shownBelow.length - 1)));
  const liveHeight = left - (shownBelow.length - 1) - shownAbove.length - 1;
  const live = liveHeight > 0 ? liveRows(state, preview, {columns, rows: liveHeight}) : [];
  const top = [...live, ...(live.length > 0 ? [dim('')] : []), ...shownAbove];
  return {
    rows: [...top, ...inputRows, ...shownBelow],
    cursor: {
      x: PROMPT.length + layout.caretColumn,
      y: top.length + layout.caretRow - first,
    },
  };
}
