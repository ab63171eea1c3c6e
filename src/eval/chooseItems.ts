// Which of a benchmark's items a run asks about.
import {EmuError} from '../errors.js';
import type {BenchmarkItem} from './benchmark.js';

/** Items of a kind that controls are asked about, unless told otherwise. */
export const CONTROLS = 60;

export interface ChosenItems {
  /** Questions and controls, those of a kind one after the other: they are asked together. */
  readonly items: BenchmarkItem[];
  /** How many questions the split has, chosen or not. */
  readonly total: number;
}

/** The questions of these kinds, with their controls. Throws EmuError (usage) for a kind that there is not. */
export function ofKinds(
  all: readonly BenchmarkItem[],
  kinds: readonly string[] | undefined,
): readonly BenchmarkItem[] {
  if (!kinds) return all;
  const known = [...new Set(all.flatMap(({kind}) => kind ?? []))];
  const wrong = kinds.find((kind) => !known.includes(kind));
  if (wrong === undefined)
    return all.filter(({kind}) => kind !== undefined && kinds.includes(kind));
  const there = known.length > 0 ? `there are ${known.join(', ')}` : 'its questions have none';
  throw new EmuError(`--kinds: no kind of question is named '${wrong}'; ${there}`, {
    code: 'bad_kind',
    reason: 'usage',
  });
}

/** The first `limit` questions, and the controls of the first `controls` of each kind among them. */
export function chooseItems(
  all: readonly BenchmarkItem[],
  {
    limit = all.length,
    controls = CONTROLS,
  }: {readonly limit?: number | undefined; readonly controls?: number | undefined},
): ChosenItems {
  const questions = all.filter(({control}) => !control);
  const chosen = new Set(questions.slice(0, limit).map(({id}) => String(id)));
  const isAsked = ({id, control}: BenchmarkItem) =>
    control ? control.rank < controls && chosen.has(String(control.of)) : chosen.has(String(id));
  return {items: byKind(all.filter(isAsked)), total: questions.length};
}

/** The questions, and such controls as there are answers to: what was not asked for is not missing. */
export function answeredItems(
  all: readonly BenchmarkItem[],
  ids: Iterable<string | number>,
): ChosenItems {
  const answered = new Set([...ids].map(String));
  const items = all.filter(({id, control}) => !control || answered.has(String(id)));
  return {items: byKind(items), total: items.filter(({control}) => !control).length};
}

function byKind(items: readonly BenchmarkItem[]): BenchmarkItem[] {
  const kinds = [...new Set(items.map(({kind}) => kind))];
  return kinds.flatMap((kind) => items.filter((item) => item.kind === kind));
}
