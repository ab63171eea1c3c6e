// A run's metrics.jsonl as curves.
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {InputError} from '../../errors.js';

export interface Point {
  readonly step: number;
  readonly value: number;
}

/** The steps in (from, to] ran one phase of the recipe. */
export interface PhaseSpan {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

export interface Metrics {
  /** Quantity -> its values by rising step, in the order in which the run first told them. */
  readonly series: ReadonlyMap<string, readonly Point[]>;
  readonly phases: readonly PhaseSpan[];
  readonly lastStep: number;
  /** What a person should know of the file: lines left out, values that are not finite. */
  readonly notes: readonly string[];
}

interface Entry {
  readonly step: number;
  readonly phase?: string;
  readonly [quantity: string]: unknown;
}

function parseEntry(line: string): Entry | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof (entry as Entry | null)?.step === 'number' ? (entry as Entry) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads RUN/metrics.jsonl. A line that was cut (the process died as it wrote) is left out and named;
 * of a step that was taken again after --resume the last line counts. Throws InputError when there
 * is nothing to draw.
 */
export function readMetrics(run: string): Metrics {
  const file = path.join(run, 'metrics.jsonl');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new InputError(run, 'holds no metrics.jsonl', 'name the folder of a run of `emu train`');
  }
  const notes: string[] = [];
  let entries: Entry[] = [];
  let repeated = 0;
  const lines = text.split('\n');
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const entry = parseEntry(line);
    if (!entry) {
      const isCut = i === lines.length - 1;
      notes.push(`${file}: line ${i + 1} is ${isCut ? 'cut' : 'no entry with a step'}; left out`);
      continue;
    }
    // After a resume the steps since the checkpoint come again.
    if (entries.length > 0 && entry.step < entries.at(-1)!.step) {
      const kept = entries.filter(({step}) => step < entry.step);
      repeated += entries.length - kept.length;
      entries = kept;
    }
    entries.push(entry);
  }
  if (entries.length === 0) throw new InputError(file, 'tells no step', 'train first');
  if (repeated > 0)
    notes.push(`${file}: ${repeated} lines of steps that were taken again; left out`);
  return {
    ...collect(file, entries, notes),
    phases: findPhases(entries),
    lastStep: entries.at(-1)!.step,
    notes,
  };
}

/** JSON has no NaN: a loss that was none stands as null. */
function collect(
  file: string,
  entries: readonly Entry[],
  notes: string[],
): Pick<Metrics, 'series'> {
  const series = new Map<string, Point[]>();
  const infinite = new Map<string, number[]>();
  for (const {step, phase: _phase, ...quantities} of entries) {
    for (const [name, value] of Object.entries(quantities)) {
      if (typeof value === 'number') add(series, name, {step, value});
      else if (value === null) add(infinite, name, step);
    }
  }
  for (const [name, steps] of infinite)
    notes.push(
      `${file}: ${name} is not finite in ${steps.length} lines, the first of step ${steps[0]}`,
    );
  return {series};
}

function add<T>(lists: Map<string, T[]>, name: string, item: T): void {
  const list = lists.get(name);
  if (list) list.push(item);
  else lists.set(name, [item]);
}

function findPhases(entries: readonly Entry[]): PhaseSpan[] {
  const phases: PhaseSpan[] = [];
  for (const {phase, step} of entries) {
    const last = phases.at(-1);
    if (phase === undefined) continue;
    if (last?.name === phase) phases[phases.length - 1] = {...last, to: step};
    else phases.push({name: phase, from: last?.to ?? 0, to: step});
  }
  return phases;
}
