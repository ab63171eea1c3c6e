// Asks a model about a benchmark's items, several together, and reads the next ones' pictures meanwhile.
import {readImage} from '../data/image.js';
import type {Picture} from '../data/picture.js';
import {resizeBicubic} from '../data/resize.js';
import {readFrames} from '../data/video.js';
import type {CandidateLosses, Item, TextOptions} from '../emu.js';
import type {Benchmark, BenchmarkItem, Prediction, Question} from './benchmark.js';
import {evalPrompt} from './evalPrompt.js';
import type {PredictionLine} from './predictions.js';

/** The official number of a video's frames. */
const FRAMES = 8;

/** What answers: the model's thread, or a model at hand. */
export interface EvalModel {
  readonly mode: 'pretrain' | 'instruct';
  /** Side of the pictures that it sees. */
  readonly imageSize: number;
  generateTexts(requests: Item[][], options: TextOptions): Promise<readonly {text: string}[]>;
  scoreCandidates(
    items: Item[],
    candidates: readonly string[],
    options: TextOptions,
  ): Promise<CandidateLosses>;
}

export interface EvaluateOptions {
  /** Items that are asked about together. */
  readonly batch: number;
  /** Ids that have their answer. */
  readonly done: ReadonlySet<string>;
}

/** An item with what is shown of it, or why that cannot be. */
type Ready = {readonly item: BenchmarkItem} & ({readonly shown: Item} | {readonly error: string});

/**
 * A line for each item, as answers come; one whose picture cannot be read, or that the model refuses, says so.
 * Batches are cut the same way whatever is done already, so that a run that goes on asks as it would have.
 */
export async function* evaluate(
  benchmark: Benchmark,
  items: readonly BenchmarkItem[],
  model: EvalModel,
  {batch, done}: EvaluateOptions,
): AsyncGenerator<PredictionLine> {
  const isLeft = ({id}: BenchmarkItem) => !done.has(String(id));
  const batches = Array.from({length: Math.ceil(items.length / batch)}, (_, i) =>
    items.slice(i * batch, (i + 1) * batch),
  ).filter((all) => all.some(isLeft));
  const read = (i: number) =>
    Promise.all((batches[i] ?? []).map((item) => show(item, benchmark.media, model.imageSize)));
  let next = read(0);
  for (let i = 0; i < batches.length; i++) {
    const ready = await next;
    next = read(i + 1);
    for await (const line of answer(benchmark, ready, model))
      if (!done.has(String(line.id))) yield line;
  }
}

async function show(
  item: BenchmarkItem,
  media: Benchmark['media'],
  imageSize: number,
): Promise<Ready> {
  // Made small here, while the model computes: to the size that it has already it changes nothing there.
  const shrink = (picture: Picture) => resizeBicubic(picture, imageSize, imageSize);
  try {
    if (item.pictures) {
      const [picture, ...more] = (await item.pictures()).map(shrink);
      return more.length > 0
        ? {item, shown: {type: 'video', frames: [picture!, ...more]}}
        : {item, shown: {type: 'image', picture: picture!}};
    }
    if (media === 'video') {
      const frames = await readFrames(item.file!, {count: FRAMES});
      return {item, shown: {type: 'video', frames: frames.map(shrink)}};
    }
    return {item, shown: {type: 'image', picture: shrink(await readImage(item.file!))}};
  } catch (error) {
    return {item, error: (error as Error).message};
  }
}

async function* answer(
  benchmark: Benchmark,
  ready: readonly Ready[],
  model: EvalModel,
): AsyncGenerator<PredictionLine> {
  const shown = ready.filter((one) => 'shown' in one);
  const asked = shown.map(({item, shown}) => ({item, shown, questions: benchmark.questions(item)}));
  const said = new Map<BenchmarkItem, Prediction | Error>();
  const texts = asked.filter(({questions}) => !questions[0]!.candidates);
  if (texts.length > 0) {
    const answers: (readonly string[] | Error)[] = await allTexts(benchmark, texts, model);
    for (const [i, {item}] of texts.entries()) {
      const own = answers[i]!;
      said.set(item, own instanceof Error ? own : own.length > 1 ? own : own[0]!);
    }
  }
  for (const {item, shown: media, questions} of asked)
    if (questions[0]!.candidates)
      said.set(item, await losses(benchmark, media, questions[0]!, model).catch(asError));
  for (const {item, ...one} of ready) {
    const prediction = said.get(item);
    if ('error' in one) yield {id: item.id, error: one.error};
    else if (prediction instanceof Error) yield {id: item.id, error: prediction.message};
    else yield {id: item.id, prediction: prediction!};
  }
}

const asError = (error: unknown): Error => error as Error;

interface Asked {
  readonly shown: Item;
  readonly questions: readonly Question[];
}

/** Of each item the answer to each of its questions, or what went wrong with it. */
async function allTexts(
  benchmark: Benchmark,
  asked: readonly Asked[],
  model: EvalModel,
): Promise<(readonly string[] | Error)[]> {
  const byQuestion: string[][] = [];
  const {questions} = asked[0]!;
  try {
    for (const [q, question] of questions.entries()) {
      const requests = asked.map((one) => request(benchmark, one.shown, one.questions[q]!, model));
      const answers = await model.generateTexts(requests, textOptions(question));
      byQuestion.push(answers.map(({text}) => text));
    }
    return asked.map((_, i) => byQuestion.map((answers) => answers[i]!));
  } catch (error) {
    // One that is too long must not take the others with it.
    if (asked.length === 1) return [asError(error)];
    const alone: (readonly string[] | Error)[] = [];
    for (const one of asked) alone.push(...(await allTexts(benchmark, [one], model)));
    return alone;
  }
}

/** The losses by which the official code ranks: sums over the tokens, divided by the length of all but one. */
async function losses(
  benchmark: Benchmark,
  shown: Item,
  question: Question,
  model: EvalModel,
): Promise<number[]> {
  const items = request(benchmark, shown, question, model);
  const {candidates = []} = question;
  const scored = await model.scoreCandidates(items, candidates, {task: 'raw'});
  return scored.losses.map((loss, i) => loss / (scored.promptLength + scored.lengths[i]! - 1));
}

function request({media}: Benchmark, shown: Item, question: Question, {mode}: EvalModel): Item[] {
  const text = evalPrompt(question, mode, media).replace('{IMAGE}', '[image]');
  return [shown, {type: 'text', text}];
}

function textOptions({search, choices}: Question): TextOptions {
  return {
    task: 'raw',
    numBeams: search.numBeams,
    maxTokens: search.maxNewTokens,
    minTokens: search.minLength - 1, // transformers counts BOS
    lengthPenalty: search.lengthPenalty,
    ...(choices ? {choices} : {}),
  };
}
