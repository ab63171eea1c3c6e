// MM-Vet (Yu et al. 2023): free answers that a language model grades from 0 to 1. Here is what goes to its
// grader and what is made of the grades; the grading itself runs elsewhere.
import {MetricError, mean} from './metricError.js';
import {numpyRound} from './rounding.js';

/**
 * The result file that the official grader reads: sample id -> answer text, as it was generated. Throws if
 * an id of `expectedIds` (those of mm-vet.json) has no answer, or another id has one.
 */
export function mmvetResultFile(
  answers: ReadonlyMap<string, string>,
  expectedIds: Iterable<string> = answers.keys(),
): string {
  const expected = new Set(expectedIds);
  const missing = [...expected].filter((id) => !answers.has(id));
  const unknown = [...answers.keys()].filter((id) => !expected.has(id));
  if (missing.length > 0)
    throw new MetricError(
      'MM-Vet',
      `${missing.length} samples have no answer, first ${missing[0]}`,
    );
  if (unknown.length > 0)
    throw new MetricError(
      'MM-Vet',
      `${unknown.length} answers are of no sample, first ${unknown[0]}`,
    );
  // Written by hand: an object would move ids that look like numbers to the front.
  const entries = [...answers].map(
    ([id, text]) => `${JSON.stringify(id)}: ${JSON.stringify(text)}`,
  );
  return `{${entries.join(', ')}}`;
}

export interface MmvetGrades {
  /** Of rec, ocr, know, gen, spat, math. */
  readonly capabilities: readonly string[];
  /** One grade a run, 0 to 1. */
  readonly scores: readonly number[];
}

export interface MmvetScores {
  /** Percent with one decimal, as are all numbers here; means over the runs. */
  readonly total: number;
  /** Population standard deviation of the runs' totals. */
  readonly std: number;
  readonly totalsPerRun: readonly number[];
  readonly perCapability: ReadonlyMap<string, number>;
  /** By the whole set of capabilities that a sample takes, named like `ocr+spat` in alphabetical order. */
  readonly perIntegration: ReadonlyMap<string, number>;
}

/** Percent of each run over some samples. */
function percentPerRun(samples: readonly MmvetGrades[], numRuns: number): number[] {
  return Array.from({length: numRuns}, (_, run) => {
    const sum = samples.reduce((total, {scores}) => total + scores[run]!, 0);
    return (sum / samples.length) * 100;
  });
}

function percentBy(
  samples: readonly MmvetGrades[],
  numRuns: number,
  groupsOf: (sample: MmvetGrades) => readonly string[],
): Map<string, number> {
  const names = [...new Set(samples.flatMap(groupsOf))].sort();
  return new Map(
    names.map((name) => {
      const members = samples.filter((sample) => groupsOf(sample).includes(name));
      return [name, numpyRound(mean(percentPerRun(members, numRuns)), 1)];
    }),
  );
}

/** Grades of one or more runs -> the table of the official grader. */
export function mmvetScores(samples: readonly MmvetGrades[]): MmvetScores {
  const numRuns = samples[0]?.scores.length ?? 0;
  if (numRuns === 0) throw new MetricError('MM-Vet', 'expected grades, got none');
  for (const {scores} of samples) {
    if (scores.length !== numRuns)
      throw new MetricError('MM-Vet', `expected ${numRuns} grades a sample, got ${scores.length}`);
    const wrong = scores.find((score) => !(score >= 0 && score <= 1));
    if (wrong !== undefined)
      throw new MetricError('MM-Vet', `expected grades of 0 to 1, got ${wrong}`);
  }
  const totals = percentPerRun(samples, numRuns);
  const total = mean(totals);
  return {
    total: numpyRound(total, 1),
    std: numpyRound(Math.sqrt(mean(totals.map((value) => (value - total) ** 2))), 1),
    totalsPerRun: totals.map((value) => numpyRound(value, 1)),
    perCapability: percentBy(samples, numRuns, ({capabilities}) => [...new Set(capabilities)]),
    perIntegration: percentBy(samples, numRuns, ({capabilities}) => [
      [...new Set(capabilities)].sort().join('+'),
    ]),
  };
}
