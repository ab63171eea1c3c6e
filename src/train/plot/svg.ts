// The charts as one SVG file that needs nothing else and follows the viewer's light or dark theme.
import {
  type Axis,
  type Chart,
  type ChartLine,
  type LineKind,
  newest,
  place,
  shortNumber,
  ticks,
} from './charts.js';
import type {Metrics, PhaseSpan, Point} from './readMetrics.js';

// In pixels.
const CHART = {width: 440, height: 210};
const PLOT = {left: 52, right: 12, top: 34, bottom: 24};
const COLUMNS = 2;
const HEAD = 44;
const MARGIN = 12;
const plotWidth = CHART.width - PLOT.left - PLOT.right;
const plotHeight = CHART.height - PLOT.top - PLOT.bottom;

// Colours stand in classes, not in variables, which not every viewer of SVG knows.
const style = `
text { font: 11px system-ui, sans-serif; fill: #4b5563 }
.title { font-size: 15px; font-weight: 600; fill: #111827 }
.name { font-size: 12px; font-weight: 600; fill: #111827 }
.now { fill: #111827 }
.page { fill: #ffffff }
.phase { fill: #f3f4f6 }
.grid { stroke: #d1d5db; stroke-width: 0.5 }
.frame { stroke: #9ca3af; stroke-width: 1; fill: none }
.bound { stroke: #9ca3af; stroke-width: 1; stroke-dasharray: 3 3 }
.line { fill: none; stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round }
.raw { stroke: #2563eb; stroke-width: 1; stroke-opacity: 0.4 }
.average, .plain { stroke: #2563eb }
.validation { stroke: #c2410c; stroke-dasharray: 5 3 }
circle.validation { fill: #c2410c; stroke: none }
@media (prefers-color-scheme: dark) {
text { fill: #9ca3af }
.title, .name, .now { fill: #f3f4f6 }
.page { fill: #111418 }
.phase { fill: #1a1f26 }
.grid { stroke: #374151 }
.frame, .bound { stroke: #6b7280 }
.raw, .average, .plain { stroke: #60a5fa }
.raw { stroke-opacity: 0.5 }
.validation { stroke: #fb923c }
circle.validation { fill: #fb923c }
}`;

const legends: [LineKind, string][] = [
  ['raw', 'as logged'],
  ['average', 'moving average'],
  ['validation', 'validation'],
];

const escapes: Record<string, string> = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'};
const escapeText = (text: string) => text.replace(/[&<>"]/g, (character) => escapes[character]!);
const round = (pixels: number) => String(Math.round(pixels * 10) / 10);

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escapeText(content)}</text>`;
}

function straight(x1: number, y1: number, x2: number, y2: number, name: string): string {
  return `<path class="${name}" d="M${round(x1)} ${round(y1)}L${round(x2)} ${round(y2)}"/>`;
}

/** An SVG document of all charts, two in a row. `title`: what run it is. */
export function drawSvg(title: string, charts: readonly Chart[], metrics: Metrics): string {
  const width = COLUMNS * CHART.width + 2 * MARGIN;
  const height = HEAD + Math.ceil(charts.length / COLUMNS) * CHART.height + MARGIN;
  const {lastStep, phases} = metrics;
  const body = charts.map((chart, i) => {
    const x = MARGIN + (i % COLUMNS) * CHART.width;
    const y = HEAD + Math.floor(i / COLUMNS) * CHART.height;
    return `<g transform="translate(${x} ${y})">\n${drawChart(chart, phases, lastStep)}\n</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escapeText(title)}</title>`,
    `<style>${style}\n</style>`,
    `<rect class="page" width="${width}" height="${height}"/>`,
    text(MARGIN + 8, 28, title, 'class="title"'),
    drawLegend(charts, width - MARGIN - PLOT.right),
    ...body,
    '</svg>\n',
  ].join('\n');
}

/** The kinds of lines that there are, from the right edge leftwards. */
function drawLegend(charts: readonly Chart[], right: number): string {
  const kinds = new Set(charts.flatMap(({lines}) => lines.map(({kind}) => kind)));
  const parts: string[] = [];
  let x = right;
  for (const [kind, label] of [...legends].reverse()) {
    if (!kinds.has(kind)) continue;
    parts.push(text(x, 28, label, 'text-anchor="end"'));
    x -= label.length * 6.6 + 6;
    parts.push(straight(x - 20, 24, x, 24, `line ${kind}`));
    x -= 34;
  }
  return parts.join('\n');
}

function drawChart(chart: Chart, phases: readonly PhaseSpan[], lastStep: number): string {
  const {name, lines} = chart;
  const axis = widen(chart.axis);
  const toX = (step: number) => PLOT.left + (plotWidth * step) / Math.max(1, lastStep);
  const toY = (value: number) => PLOT.top + plotHeight * (1 - place(axis, value));
  const now = newest(chart, false) ?? newest(chart, true);
  return [
    text(PLOT.left, 14, axis.isLog ? `${name} (logarithmic)` : name, 'class="name"'),
    now === undefined
      ? ''
      : text(CHART.width - PLOT.right, 14, shortNumber(now), 'class="now" text-anchor="end"'),
    drawPhases(phases, toX),
    drawGrid(axis, lastStep, toX, toY),
    ...lines.map((line) => drawLine(line, toX, toY)),
  ].join('\n');
}

/** Room above and below the curves, but none below 0 for what is never negative. */
function widen({low, high, isLog}: Axis): Axis {
  if (isLog) return {low: low * (low / high) ** 0.04, high: high * (high / low) ** 0.04, isLog};
  const margin = (high - low) * 0.04;
  const floor = low >= 0 ? 0 : Number.NEGATIVE_INFINITY;
  return {low: Math.max(floor, low - margin), high: high + margin, isLog};
}

function drawPhases(phases: readonly PhaseSpan[], toX: (step: number) => number): string {
  if (phases.length < 2) return '';
  const bottom = PLOT.top + plotHeight;
  return phases
    .map(({name, from, to}, i) => {
      const [left, right] = [toX(from), toX(to)];
      const shade =
        i % 2 === 1
          ? `<rect class="phase" x="${round(left)}" y="${PLOT.top}" width="${round(right - left)}" height="${plotHeight}"/>`
          : '';
      const bound = i > 0 ? straight(left, PLOT.top, left, bottom, 'bound') : '';
      const fits = name.length * 6.6 < right - left;
      const label = text((left + right) / 2, PLOT.top - 5, name, 'text-anchor="middle"');
      return shade + bound + (fits ? label : '');
    })
    .join('\n');
}

function drawGrid(
  axis: Axis,
  lastStep: number,
  toX: (step: number) => number,
  toY: (value: number) => number,
): string {
  const right = CHART.width - PLOT.right;
  const bottom = PLOT.top + plotHeight;
  const across = ticks(axis, 6).map((value) => {
    const y = toY(value);
    const label = text(PLOT.left - 6, y + 4, shortNumber(value), 'text-anchor="end"');
    return straight(PLOT.left, y, right, y, 'grid') + label;
  });
  const steps = ticks({low: 0, high: Math.max(1, lastStep), isLog: false}, 5).filter(
    Number.isInteger,
  );
  const along = steps.map((step) => {
    const x = toX(step);
    const label = text(x, bottom + 15, shortNumber(step), 'text-anchor="middle"');
    return straight(x, bottom, x, bottom + 4, 'frame') + label;
  });
  const frame = `<path class="frame" d="M${PLOT.left} ${PLOT.top}V${bottom}H${right}"/>`;
  return [...across, ...along, frame].join('\n');
}

function drawLine(
  {kind, segments}: ChartLine,
  toX: (step: number) => number,
  toY: (value: number) => number,
): string {
  const paths = segments.map((segment) => {
    const pixels = thin(segment, toX).map(
      ({step, value}) => `${round(toX(step))} ${round(toY(value))}`,
    );
    return pixels.length > 0 ? `M${pixels.join('L')}` : '';
  });
  const path = `<path class="line ${kind}" d="${paths.join('')}"/>`;
  if (kind !== 'validation') return path;
  const dots = segments
    .flat()
    .map(
      ({step, value}) =>
        `<circle class="validation" cx="${round(toX(step))}" cy="${round(toY(value))}" r="2"/>`,
    );
  return path + dots.join('');
}

/** The lowest and highest of the points that fall on one half pixel: a long run's file stays small. */
function thin(segment: readonly Point[], toX: (step: number) => number): Point[] {
  const columns = new Map<number, {low: Point; high: Point}>();
  for (const point of segment) {
    const column = Math.round(2 * toX(point.step));
    const found = columns.get(column);
    if (!found) columns.set(column, {low: point, high: point});
    else if (point.value < found.low.value) found.low = point;
    else if (point.value > found.high.value) found.high = point;
  }
  return [...columns.values()].flatMap(({low, high}) => {
    if (low === high) return [low];
    return low.step < high.step ? [low, high] : [high, low];
  });
}
