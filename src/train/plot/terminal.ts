// The charts in a terminal: dots of Braille characters, or plain ASCII.
import {
  type Axis,
  type Chart,
  fitAxis,
  type LineKind,
  newest,
  place,
  shortNumber,
} from './charts.js';
import type {Metrics, PhaseSpan} from './readMetrics.js';

export interface TerminalOptions {
  /** Columns of the terminal. */
  readonly width: number;
  /** Braille and colours; else plain ASCII. */
  readonly isRich: boolean;
}

/** Rows of a chart's plot. */
const ROWS = 6;
/** Columns of the numbers beside it. */
const LABEL = 7;
/** A chart is at least so wide; the terminal holds as many beside each other as fit. */
const MIN_WIDTH = 36;
const MAX_WIDTH = 72;
const GAP = 2;

const BOLD = '\u001b[1m';
const DIM = '\u001b[2m';
const BLUE = '\u001b[34m';
const ORANGE = '\u001b[33m';
const RESET = '\u001b[0m';

/** All charts, in as many columns as the width has room for; lines end without spaces. */
export function drawTerminal(
  charts: readonly Chart[],
  metrics: Metrics,
  {width, isRich}: TerminalOptions,
): string {
  const columns = Math.max(
    1,
    Math.min(charts.length, Math.floor((width + GAP) / (MIN_WIDTH + GAP))),
  );
  const each = Math.min(MAX_WIDTH, Math.floor((width + GAP) / columns) - GAP);
  const blocks = charts.map((chart) => drawChart(chart, metrics, Math.max(16, each), isRich));
  const lines: string[] = [];
  for (let first = 0; first < blocks.length; first += columns) {
    const row = blocks.slice(first, first + columns);
    for (let i = 0; i < row[0]!.length; i++)
      lines.push(
        row
          .map((block) => block[i]!)
          .join(' '.repeat(GAP))
          .trimEnd(),
      );
    lines.push('');
  }
  return lines.join('\n').trimEnd();
}

/** What a cell of the plot shows: the dots of a Braille character, and whose they are. */
interface Cell {
  dots: number;
  kind: LineKind;
}

interface Span {
  readonly text: string;
  readonly color?: string;
}

// Bits of a Braille character, by row and column of its 4 x 2 dots.
const brailleBits = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
];

function drawChart(chart: Chart, metrics: Metrics, width: number, isRich: boolean): string[] {
  const {phases, lastStep} = metrics;
  // The noise of single steps is left to the SVG.
  const lines = chart.lines.filter(({kind}) => kind !== 'raw');
  const axis = fitAxis(chart.name, lines);
  const columns = width - LABEL - 1;
  const [dotsAcross, dotsDown] = isRich ? [2, 4] : [1, 1];
  const cells = Array.from({length: ROWS}, () => new Array<Cell | undefined>(columns));
  const toX = (step: number) =>
    Math.round((step / Math.max(1, lastStep)) * (columns * dotsAcross - 1));
  const toY = (value: number) => Math.round((1 - place(axis, value)) * (ROWS * dotsDown - 1));
  const set = (x: number, y: number, kind: LineKind) => {
    const row = cells[Math.floor(y / dotsDown)]!;
    const column = Math.floor(x / dotsAcross);
    const bit = brailleBits[y % dotsDown]![x % dotsAcross]!;
    row[column] = {dots: (row[column]?.dots ?? 0) | bit, kind};
  };
  for (const {kind, segments} of lines)
    for (const segment of segments) {
      const dots = segment.map(({step, value}) => ({x: toX(step), y: toY(value)}));
      for (const [i, dot] of dots.entries())
        for (const {x, y} of between(dots[i - 1] ?? dot, dot)) set(x, y, kind);
    }

  const bounds = new Set(phases.slice(1).map(({from}) => Math.floor(toX(from) / dotsAcross)));
  const [axisMark, boundMark] = isRich ? ['│', '┊'] : ['|', ':'];
  const plot = cells.map((row, i) => [
    {text: rowLabel(axis, i).padStart(LABEL) + axisMark, color: DIM},
    ...Array.from(row, (cell, column): Span => {
      if (!cell) return bounds.has(column) ? {text: boundMark, color: DIM} : {text: ' '};
      const isValidation = cell.kind === 'validation';
      if (!isRich) return {text: isValidation ? 'o' : '*'};
      const text = String.fromCodePoint(0x2800 + cell.dots);
      return {text, color: isValidation ? ORANGE : BLUE};
    }),
  ]);
  const below = ' '.repeat(LABEL + 1) + stepsLine(phases, lastStep, columns);
  return [titleLine(chart, axis, width, isRich), ...plot, [{text: below, color: DIM}]].map(
    (spans) => (isRich ? paint(spans) : spans.map(({text}) => text).join('')),
  );
}

/** `loss 0.363  validation 0.401`, filled up to `width`. */
function titleLine(chart: Chart, {isLog}: Axis, width: number, isRich: boolean): Span[] {
  const [trained, held] = [newest(chart, false), newest(chart, true)];
  const spans: Span[] = [
    {text: chart.name + (isLog ? ' (log)' : ''), color: BOLD},
    ...(trained === undefined ? [] : [{text: ` ${shortNumber(trained)}`}]),
    ...(held === undefined
      ? []
      : [{text: `  validation${isRich ? '' : ' (o)'} ${shortNumber(held)}`, color: ORANGE}]),
  ];
  let left = width;
  const fitted = spans.map(({text, ...rest}) => {
    const shown = text.slice(0, left);
    left -= shown.length;
    return {text: shown, ...rest};
  });
  return [...fitted, {text: ' '.repeat(left)}];
}

/** Spans with their colours, neighbours of one colour together. */
function paint(spans: readonly Span[]): string {
  let painted = '';
  let current: string | undefined;
  for (const {text, color} of spans) {
    if (color !== current && current !== undefined) painted += RESET;
    if (color !== current && color !== undefined) painted += color;
    current = color;
    painted += text;
  }
  return current === undefined ? painted : painted + RESET;
}

/** The axis's ends and middle. */
function rowLabel({low, high, isLog}: Axis, row: number): string {
  if (row === 0) return shortNumber(high);
  if (row === ROWS - 1) return shortNumber(low);
  const middle = Math.floor(ROWS / 2) - 1;
  if (row !== middle) return '';
  const share = 1 - row / (ROWS - 1);
  return shortNumber(isLog ? low * (high / low) ** share : low + (high - low) * share);
}

/** `0   see       read    5100`: names of phases where there is room, the last step at the end. */
function stepsLine(phases: readonly PhaseSpan[], lastStep: number, columns: number): string {
  const end = shortNumber(lastStep);
  const line = new Array<string>(columns).fill(' ');
  const write = (at: number, text: string) => {
    for (const [i, character] of [...text].entries()) line[at + i] = character;
  };
  const room = columns - end.length - 1;
  write(0, '0');
  for (const {name, from, to} of phases.length > 1 ? phases : []) {
    const left = Math.max(2, Math.ceil((from / lastStep) * columns) + 1);
    const right = Math.min(room, Math.floor((to / lastStep) * columns));
    if (name.length <= right - left)
      write(left + Math.floor((right - left - name.length) / 2), name);
  }
  write(columns - end.length, end);
  return line.join('');
}

/** The dots of a straight line, without its first one unless it is the only one. */
function between(
  from: {x: number; y: number},
  to: {x: number; y: number},
): {x: number; y: number}[] {
  const count = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y));
  if (count === 0) return [to];
  return Array.from({length: count}, (_, i) => {
    const share = (i + 1) / count;
    return {
      x: Math.round(from.x + share * (to.x - from.x)),
      y: Math.round(from.y + share * (to.y - from.y)),
    };
  });
}
