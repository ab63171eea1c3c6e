// Asks a model about a benchmark's items, several together, and reads the next ones' pictures meanwhile.
import type {CandidateLosses, Item, TextOptions} from '../emu.js';
import type {Benchmark, BenchmarkItem, Prediction, Question} from './benchmark.js';
import {evalPrompt} from './evalPrompt.js';
import type {PredictionLine} from './predictions.js';
import {readShown, shrink} from './readShown.js';
import type {Asked, ChosenExamples, Shots} from './shots/shots.js';

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
  /** Examples that stand before the questions. */
  readonly shots?: Shots;
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
  {batch, done, shots}: EvaluateOptions,
): AsyncGenerator<PredictionLine> {
  const isLeft = ({id}: BenchmarkItem) => !done.has(String(id));
  const batches = Array.from({length: Math.ceil(items.length / batch)}, (_, i) =>
    items.slice(i * batch, (i + 1) * batch),
  ).filter((all) => all.some(isLeft));
  const read = (i: number) => {
    const readFile = sharedMedia(benchmark.media, model.imageSize);
    return Promise.all((batches[i] ?? []).map((item) => show(item, readFile, model.imageSize)));
  };
  let next = read(0);
  for (let i = 0; i < batches.length; i++) {
    const ready = await next;
    next = read(i + 1);
    for await (const line of answer(benchmark, ready, model, shots))
      if (!done.has(String(line.id))) yield line;
  }
}

/** Reads files, each once: several questions are often about one picture, which is then one to the model too. */
function sharedMedia(media: Benchmark['media'], imageSize: number) {
  const shown = new Map<string, Promise<Item>>();
  return (file: string): Promise<Item> => {
    const one = shown.get(file) ?? readShown(file, media, imageSize);
    shown.set(file, one);
    return one;
  };
}

async function show(
  item: BenchmarkItem,
  readFile: (file: string) => Promise<Item>,
  imageSize: number,
): Promise<Ready> {
  try {
    if (item.pictures) {
      const all = await item.pictures();
      const [picture, ...more] = all.map((each) => shrink(each, imageSize));
      return more.length > 0
        ? {item, shown: {type: 'video', frames: [picture!, ...more]}}
        : {item, shown: {type: 'image', picture: picture!}};
    }
    return {item, shown: await readFile(item.file!)};
  } catch (error) {
    return {item, error: (error as Error).message};
  }
}

async function* answer(
  benchmark: Benchmark,
  ready: readonly Ready[],
  model: EvalModel,
  shots: Shots | undefined,
): AsyncGenerator<PredictionLine> {
  const shown = ready.filter((one) => 'shown' in one);
  const all = shown.map(({item, shown}) => ({item, shown, questions: benchmark.questions(item)}));
  const chosen = await shots?.choose(all);
  const said = new Map<BenchmarkItem, Prediction | Error>();
  const asked: Request[] = [];
  for (const [i, one] of all.entries()) {
    const examples = chosen?.[i];
    if (examples instanceof Error) said.set(one.item, examples);
    else asked.push({...one, ...(examples ? {examples} : {})});
  }
  const texts = asked.filter(({questions}) => !questions[0]!.candidates);
  if (texts.length > 0) {
    const answers: (readonly string[] | Error)[] = await allTexts(benchmark, texts, model);
    for (const [i, {item}] of texts.entries()) {
      const own = answers[i]!;
      said.set(item, own instanceof Error ? own : own.length > 1 ? own : own[0]!);
    }
  }
  for (const one of asked)
    if (one.questions[0]!.candidates)
      said.set(one.item, await losses(benchmark, one, model).catch(asError));
  const supports = new Map(asked.map(({item, examples}) => [item, examples?.ids]));
  for (const {item, ...one} of ready) {
    const prediction = said.get(item);
    const ids = supports.get(item);
    if ('error' in one) yield {id: item.id, error: one.error};
    else if (prediction instanceof Error) yield {id: item.id, error: prediction.message};
    else yield {id: item.id, prediction: prediction!, ...(ids ? {supports: ids} : {})};
  }
}

const asError = (error: unknown): Error => error as Error;

/** Examples of it stand before it, if any. */
type Request = Asked & {readonly examples?: ChosenExamples};

/** Of each item the answer to each of its questions, or what went wrong with it. */
async function allTexts(
  benchmark: Benchmark,
  asked: readonly Request[],
  model: EvalModel,
): Promise<(readonly string[] | Error)[]> {
  const byQuestion: string[][] = [];
  const {questions} = asked[0]!;
  try {
    for (const [q, question] of questions.entries()) {
      const requests = asked.map((one) => request(benchmark, one, q, model));
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
async function losses(benchmark: Benchmark, asked: Request, model: EvalModel): Promise<number[]> {
  const items = request(benchmark, asked, 0, model);
  const question = asked.questions[0]!;
  const {candidates = []} = question;
  const scored = await model.scoreCandidates(items, candidates, {task: taskOf(question)});
  return scored.losses.map((loss, i) => loss / (scored.promptLength + scored.lengths[i]! - 1));
}

/** What the model is given for an item's question `q`. */
function request(
  {media}: Benchmark,
  {shown, questions, examples}: Request,
  q: number,
  {mode}: EvalModel,
): Item[] {
  const question = questions[q]!;
  if (question.between) return interleaved(shown, question.between);
  const shownAs = shown.type === 'video' ? 'video' : media;
  const prompt = examples ? examples.prompt(q) : evalPrompt(question, mode, shownAs);
  const text = prompt.replaceAll('{IMAGE}', '[image]');
  return [...(examples?.shown ?? []), shown, {type: 'text', text}];
}

/** Each picture, then its text, if there is one. */
function interleaved(shown: Item, texts: readonly string[]): Item[] {
  const frames = shown.type === 'video' ? shown.frames : [];
  return frames.flatMap((picture, i): Item[] => {
    const text = texts[i] ?? '';
    return [{type: 'image', picture}, ...(text === '' ? [] : [{type: 'text', text} as const])];
  });
}

const taskOf = ({between}: Question) => (between ? 'incontext' : 'raw');

function textOptions(question: Question): TextOptions {
  const {search, choices} = question;
  return {
    task: taskOf(question),
    numBeams: search.numBeams,
    maxTokens: search.maxNewTokens,
    minTokens: search.minLength - 1, // transformers counts BOS
    lengthPenalty: search.lengthPenalty,
    ...(choices ? {choices} : {}),
  };
}
