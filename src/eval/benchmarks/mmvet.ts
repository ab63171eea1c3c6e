// MM-Vet: open questions, whose answers GPT-4 grades. Here the file is written that the grader reads, and its
// grades are read back.
import path from 'node:path';
import {z} from 'zod';
import {InputError} from '../../errors.js';
import type {Benchmark, BenchmarkItem, Predicted, Scores} from '../benchmark.js';
import {firstFew} from '../firstFew.js';
import {mean} from '../metrics/metricError.js';
import {mmvetScores} from '../metrics/mmvet.js';
import {readJson} from '../readJson.js';

interface MmvetItem extends BenchmarkItem {
  readonly id: string;
  readonly question: string;
  readonly capabilities: readonly string[];
}

const samples = z.record(
  z.string(),
  z.object({
    imagename: z.string(),
    question: z.string(),
    capability: z.array(z.string()).default([]),
  }),
);

export const mmvet: Benchmark<MmvetItem> = {
  name: 'mmvet',
  media: 'picture',
  splits: ['all'],
  headline: 'total',
  paper: [{model: 'Emu-I', value: 36.3, source: 'listing of the paper, GPT-4 score'}],
  read: (root) => {
    const folder = path.join(root, 'mm-vet');
    const all = readJson(path.join(folder, 'mm-vet.json'), samples);
    return Object.entries(all).map(([id, {imagename, question, capability}]) => ({
      id,
      question,
      capabilities: capability,
      file: path.join(folder, 'images', imagename),
    }));
  },
  questions: ({question}) => [
    {
      text: `{IMAGE}${question}`,
      plain: question,
      search: {numBeams: 5, maxNewTokens: 128, minLength: 1, lengthPenalty: 1},
    },
  ],
  // As the model said it: neither stripped nor shortened, like the official code's.
  submission: (predicted) =>
    Object.fromEntries(predicted.map(({item, prediction}) => [item.id, prediction])),
  score: () => undefined,
};

const grade = z.number().min(0).max(1);
/** The official grader's file, of several runs: what it said stands beside the scores. Or just numbers. */
const gradeFile = z.record(
  z.string(),
  z.union([z.object({score: z.array(grade)}).transform(({score}) => score), z.array(grade), grade]),
);

/** The same benchmark with the grades of a file, by which it is scored. Throws InputError naming the file. */
export function gradedMmvet(file: string): Benchmark<MmvetItem> {
  const grades = new Map(
    Object.entries(readJson(file, gradeFile)).map(([id, given]) => [
      id,
      typeof given === 'number' ? [given] : given,
    ]),
  );
  const numRuns = Math.max(0, ...[...grades.values()].map(({length}) => length));
  if (numRuns === 0)
    throw new InputError(file, 'holds no grades', 'give the file that the grader writes');
  return {...mmvet, score: (predicted) => scoreGrades(file, predicted, grades, numRuns)};
}

/** Over the answers that every run graded. */
function scoreGrades(
  file: string,
  predicted: readonly Predicted<MmvetItem>[],
  grades: ReadonlyMap<string, readonly number[]>,
  numRuns: number,
): Scores {
  const known = new Set(predicted.map(({item}) => item.id));
  const unknown = [...grades.keys()].filter((id) => !known.has(id));
  if (unknown.length > 0)
    throw new InputError(
      file,
      `${unknown.length} of ${grades.size} grades are of no answer (${firstFew(unknown)})`,
      'are they of another run?',
    );
  const own = predicted.map(({item}) => {
    const scores = grades.get(item.id);
    return scores?.length === numRuns ? {capabilities: item.capabilities, scores} : undefined;
  });
  const graded = own.filter((each) => each !== undefined);
  const {total, std, perCapability, perIntegration} = mmvetScores(graded);
  const percent = (wanted?: string) =>
    own.map((each) =>
      each && (wanted === undefined || each.capabilities.includes(wanted))
        ? 100 * mean(each.scores)
        : undefined,
    );
  const without = predicted.filter((_, i) => !own[i]).map(({item}) => item.id);
  const runs = `${numRuns} ${numRuns === 1 ? 'run' : 'runs'} of the grader`;
  return {
    values: {total, ...Object.fromEntries(perCapability)},
    details: {integration: perIntegration},
    perItem: {
      total: percent(),
      ...Object.fromEntries([...perCapability.keys()].map((name) => [name, percent(name)])),
    },
    scored: graded.length,
    note: `${runs}, standard deviation of their totals ${std.toFixed(1)}; intervals are over questions${without.length === 0 ? '' : `. ${graded.length} of ${predicted.length} answers have all grades; without: ${firstFew(without)}`}`,
  };
}
