// Which curves a run's charts have, and on which axes: what the SVG and the terminal both draw.
import type {Metrics, PhaseSpan, Point} from './readMetrics.js';

/** `raw`: as logged, where an `average` lies over it; `plain`: as logged; `validation`: on held-out data. */
export type LineKind = 'raw' | 'average' | 'plain' | 'validation';

export interface ChartLine {
  readonly kind: LineKind;
  /** Pieces to draw without a join: a phase has its own objective. */
  readonly segments: readonly (readonly Point[])[];
}

export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly isLog: boolean;
}

export interface Chart {
  readonly name: string;
  readonly lines: readonly ChartLine[];
  readonly axis: Axis;
}

/** Quantities without noise: an average would only blur them. */
const isSmooth = /^(rate|learningRate)/;
/** Quantities between 0 and 1, where a logarithm would show mostly what is next to nothing. */
const isShare = /^(rate|accuracy)/;
/** What people look at first; the others follow as the run tells them. */
const firstOnes = ['loss', 'text', 'regression', 'accuracy'];

/** The quantity beside whose curve that of a validation belongs: validationLoss -> loss. */
function validated(name: string): string | undefined {
  const match = /^validation[._]?(.+)$/.exec(name);
  return match ? match[1]![0]!.toLowerCase() + match[1]!.slice(1) : undefined;
}

/** One chart a quantity, validation beside training. */
export function makeCharts({series, phases}: Metrics): Chart[] {
  const charts: Chart[] = [];
  const order = ([name]: [string, readonly Point[]]) =>
    firstOnes.includes(name) ? firstOnes.indexOf(name) : firstOnes.length;
  for (const [name, points] of [...series].sort((a, b) => order(a) - order(b))) {
    const base = validated(name);
    if (base !== undefined && series.has(base)) continue;
    const [, held] = [...series].find(([other]) => validated(other) === name) ?? [];
    const isValidation = base !== undefined;
    const lines = isValidation
      ? [line('validation', points, phases)]
      : trained(name, points, phases);
    if (held) lines.push(line('validation', held, phases));
    charts.push({name, lines, axis: fitAxis(name, lines)});
  }
  return charts;
}

function line(kind: LineKind, points: readonly Point[], phases: readonly PhaseSpan[]): ChartLine {
  return {kind, segments: splitByPhase(points, phases)};
}

function trained(
  name: string,
  points: readonly Point[],
  phases: readonly PhaseSpan[],
): ChartLine[] {
  const segments = splitByPhase(points, phases);
  const averages = segments.map(movingAverage);
  const isAveraged = !isSmooth.test(name) && averages.some((average, i) => average !== segments[i]);
  if (!isAveraged) return [{kind: 'plain', segments}];
  return [
    {kind: 'raw', segments},
    {kind: 'average', segments: averages},
  ];
}

function splitByPhase(points: readonly Point[], phases: readonly PhaseSpan[]): Point[][] {
  if (phases.length === 0) return [[...points]];
  return phases
    .map(({from, to}) => points.filter(({step}) => step > from && step <= to))
    .filter((segment) => segment.length > 0);
}

/** Mean over a window of a twentieth of the points around each; the points themselves when they are few. */
function movingAverage(points: readonly Point[]): readonly Point[] {
  const reach = Math.round(points.length / 40);
  if (reach === 0) return points;
  const sums = [0];
  for (const {value} of points) sums.push(sums.at(-1)! + value);
  return points.map(({step}, i) => {
    // Narrower at the start, where the fall is steep; at the end all that is before, where it is flat.
    const before = Math.min(reach, i);
    const after = Math.min(before, points.length - 1 - i);
    return {step, value: (sums[i + after + 1]! - sums[i - before]!) / (before + after + 1)};
  });
}

/** Holds all lines; logarithmic when all values are positive and spread over more than two decades. */
export function fitAxis(name: string, lines: readonly ChartLine[]): Axis {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const {value} of lines.flatMap(({segments}) => segments.flat())) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > 0 && high / low > 100 && !isShare.test(name)) return {low, high, isLog: true};
  if (low === high) {
    const margin = Math.abs(low) / 10 || 1;
    return {low: low - margin, high: high + margin, isLog: false};
  }
  return {low, high, isLog: false};
}

/** The newest value that is no single noisy step, of training or of validation. */
export function newest({lines}: Chart, isValidation: boolean): number | undefined {
  const line = lines.find(({kind}) => kind !== 'raw' && (kind === 'validation') === isValidation);
  return line?.segments.at(-1)?.at(-1)?.value;
}

/** Where a value lies between the axis's low, 0, and its high, 1. */
export function place({low, high, isLog}: Axis, value: number): number {
  if (!isLog) return (value - low) / (high - low);
  return Math.log(value / low) / Math.log(high / low);
}

/** About `count` round values on the axis; on a logarithmic one 1, 2 and 5 of each decade, or 1 alone. */
export function ticks({low, high, isLog}: Axis, count: number): number[] {
  if (isLog) {
    const decades = range(Math.floor(Math.log10(low)), Math.ceil(Math.log10(high)));
    const digits = high / low > 1000 ? [1] : [1, 2, 5];
    return decades
      .flatMap((decade) => digits.map((digit) => digit * 10 ** decade))
      .filter((value) => value >= low && value <= high);
  }
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough)!;
  return range(Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)).map((i) => i * step);
}

function range(from: number, to: number): number[] {
  return Array.from({length: Math.max(0, to - from + 1)}, (_, i) => from + i);
}

/** At most three digits, as people read them: 0.0123, 4.5, 12k, 3e-5. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  const trim = (number: number) => String(Number(number.toPrecision(3)));
  if (size >= 1e9) return value.toExponential(0).replace('+', '');
  if (size >= 999_500) return `${trim(value / 1e6)}M`;
  if (size >= 9995) return `${trim(value / 1e3)}k`;
  if (size < 1e-3) return value.toExponential(size < 1e-9 ? 0 : 1).replace('.0e', 'e');
  return trim(value);
}
