// The folder of a run over a benchmark: predictions.jsonl, result.json, scores.jsonl (an item a line) and the
// submission file.
import {existsSync, mkdirSync, readFileSync, statSync} from 'node:fs';
import path from 'node:path';
import {z} from 'zod';
import {fileProblem} from '../data/source.js';
import {InputError} from '../errors.js';
import {writeText} from '../weights/writeWhole.js';
import {readJson} from './readJson.js';
import {type EvalResult, type ItemScores, type ScoredRun, submissionName} from './result.js';

export const PREDICTIONS = 'predictions.jsonl';
const RESULT = 'result.json';
const SCORES = 'scores.jsonl';

/** The file of predictions that a path means: itself, or a run folder's. */
export function predictionsFile(given: string): string {
  return statSync(given, {throwIfNoEntry: false})?.isDirectory()
    ? path.join(given, PREDICTIONS)
    : given;
}

/** Writes all but the predictions, each complete or absent. Returns the files. */
export function writeRun(folder: string, {result, itemScores, submission}: ScoredRun): string[] {
  mkdirSync(folder, {recursive: true});
  const files: string[] = [];
  const write = (name: string, text: string) => {
    const file = path.join(folder, name);
    writeText(file, text);
    files.push(file);
  };
  const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`;
  const lines = itemScores.map(({id, scores}) => JSON.stringify({instance_id: id, ...scores}));
  write(SCORES, lines.map((line) => `${line}\n`).join(''));
  if (submission !== undefined)
    write(submissionName(result.benchmark), `${JSON.stringify(submission)}\n`);
  write(RESULT, json(result)); // last: where it is, the others are
  return files;
}

const id = z.union([z.string(), z.number()]);
const resultSchema = z.object({
  benchmark: z.string(),
  split: z.string(),
  headline: z.string(),
  data: z.string(),
  items: z.object({
    total: z.number(),
    official: z.number().nullable(),
    predicted: z.number(),
    scored: z.number().optional(),
    missing: z.number(),
    failed: z.number(),
    controls: z.number().optional(),
  }),
  isPartial: z.boolean(),
  scores: z.record(z.string(), z.number().nullable()),
  intervals: z.record(z.string(), z.object({low: z.number(), high: z.number()})),
  details: z.record(z.string(), z.record(z.string(), z.number())),
  kinds: z
    .array(
      z.object({
        kind: z.string(),
        count: z.number(),
        error: z.number(),
        baselines: z.record(z.string(), z.number()),
        controls: z.record(z.string(), z.object({score: z.number(), count: z.number()})),
      }),
    )
    .optional(),
  unknownWords: z
    .object({
      questions: z.number(),
      answers: z.number(),
      items: z.number(),
      words: z.array(z.string()),
    })
    .optional(),
  note: z.string().optional(),
  unscored: z.string().optional(),
  missing: z.array(id),
  failed: z.array(z.object({id, error: z.string()})),
  paper: z.array(z.object({model: z.string(), value: z.number(), source: z.string()})),
  options: z.record(z.string(), z.unknown()),
});

/** The result of a run folder, or undefined where a file or a folder without one is meant. */
export function findResult(given: string): EvalResult | undefined {
  const isFolder = statSync(given, {throwIfNoEntry: false})?.isDirectory();
  if (!isFolder && path.basename(given) !== PREDICTIONS) return undefined;
  const file = path.join(isFolder ? given : path.dirname(given), RESULT);
  return existsSync(file) ? (readJson(file, resultSchema) as EvalResult) : undefined;
}

export function readResult(folder: string): EvalResult {
  if (!existsSync(folder)) throw new InputError(folder, 'no such folder');
  const result = findResult(folder);
  if (result) return result;
  throw new InputError(
    folder,
    'holds no result.json',
    'make one with `emu eval score BENCHMARK --predictions FILE --data DIR --out DIR`',
  );
}

export function readItemScores(folder: string): ItemScores[] {
  const file = path.join(folder, SCORES);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw fileProblem(file, error);
  }
  const schema = z.record(z.string(), id);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, i) => {
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        value = undefined;
      }
      const entry = schema.safeParse(value);
      const {instance_id: itemId, ...scores} = entry.success ? entry.data : {};
      if (itemId === undefined || Object.values(scores).some((score) => typeof score !== 'number'))
        throw new InputError(file, `line ${i + 1} is not an item's scores`, 'score the run again');
      return {id: itemId, scores: scores as Record<string, number>};
    });
}
