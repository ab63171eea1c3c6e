// Prompts with examples (`--shots`). With their pictures the likest ones are taken (RICES); without (`--text-only`,
// the paper's "*") the same few for every item.
import path from 'node:path';
import {EmuError, InputError} from '../../errors.js';
import type {Item, TextOptions} from '../../emu.js';
import type {PromptItem} from '../../text/prompt.js';
import type {Benchmark, BenchmarkItem, ItemId, Question} from '../benchmark.js';
import {type AnsweredQuestion, fewShotPrompt} from '../evalPrompt.js';
import {selectSupport} from '../metrics/rices.js';
import {readShown} from '../readShown.js';
import type {Embedder, PictureIndex} from './pictureIndex.js';
import {
  type Example,
  type SupportOptions,
  type SupportSet,
  readSupport,
  shuffled,
} from './supportSet.js';

/** What prompts with examples ask of a model beside answers. */
export interface ShotsModel extends Embedder {
  readonly mode: 'pretrain' | 'instruct';
  readonly contextLength: number;
  countTokens(requests: PromptItem[][], options: TextOptions): Promise<readonly number[]>;
}

export interface ShotsOptions extends SupportOptions {
  readonly count: number;
  /** Examples are read without their pictures. */
  readonly isTextOnly: boolean;
  /** Vectors by the pictures' full names; not asked for where examples are text only. */
  readonly vectors: (support: SupportSet) => Promise<ReadonlyMap<string, Float32Array>>;
}

/** An item, what is shown of it, and what is asked about it. */
export interface Asked {
  readonly item: BenchmarkItem;
  readonly shown: Item;
  readonly questions: readonly Question[];
}

/** What stands before an item's questions. */
export interface ChosenExamples {
  readonly ids: readonly ItemId[];
  /** Their pictures; none where they are text only. */
  readonly shown: readonly Item[];
  /** The whole prompt of a question, with {IMAGE} for each of the pictures and the item's own. */
  prompt(question: number): string;
}

export class Shots {
  private constructor(
    private readonly benchmark: Benchmark,
    private readonly model: ShotsModel,
    private readonly options: ShotsOptions,
    private readonly support: SupportSet,
    /** Examples that may be taken; text only: in the order in which they are. */
    private readonly examples: readonly Example[],
    private readonly vectors: readonly Float32Array[],
  ) {}

  /**
   * Throws EmuError (usage) where the benchmark has too few examples, or where as many typical ones as are wanted
   * do not fit into the model's context before the first of `items`.
   */
  static async open(
    benchmark: Benchmark,
    root: string,
    items: readonly BenchmarkItem[],
    model: ShotsModel,
    options: ShotsOptions,
  ): Promise<Shots> {
    const support = readSupport(benchmark, root, options);
    const {count, isTextOnly, seed} = options;
    let {examples} = support;
    let vectors: Float32Array[] = [];
    if (isTextOnly) examples = shuffled(examples, seed);
    else {
      const byFile = await options.vectors(support);
      examples = examples.filter(({file}) => byFile.has(file));
      vectors = examples.map(({file}) => byFile.get(file)!);
    }
    const shown = new Set(items.map(({file}) => (file === undefined ? '' : path.resolve(file))));
    const isAsked = examples.some(({file}) => shown.has(file));
    const enough = Math.max(0, examples.length - (isAsked ? 1 : 0)); // never the item's own picture
    if (count > enough)
      throw new EmuError(
        `--shots ${count}: ${benchmark.name} ${support.split} has ${examples.length} pictures for examples${isTextOnly ? '' : ' in the index'}, at most ${enough} for an item`,
        {code: 'few_examples', reason: 'usage'},
      );
    const shots = new Shots(benchmark, model, options, support, examples, vectors);
    await shots.checkContext(items[0]!);
    return shots;
  }

  /** `4 examples of okvqa train, the likest by their pictures (RICES), most similar last` */
  get text(): string {
    const {count, isTextOnly, seed, pool} = this.options;
    const of = `${count} ${count === 1 ? 'example' : 'examples'} of ${this.benchmark.name} ${this.support.split}`;
    const from = pool === undefined ? '' : `, out of ${pool} drawn by seed ${seed}`;
    return isTextOnly
      ? `${of}, text only, drawn by seed ${seed}${from}`
      : `${of}, the likest by their pictures (RICES), most similar last${from}`;
  }

  /** What a result says of them. */
  get record(): Readonly<Record<string, unknown>> {
    const {count, isTextOnly, seed, pool} = this.options;
    return {
      shots: count,
      ...(isTextOnly ? {textOnly: true} : {}),
      supportSplit: this.support.split,
      ...(pool === undefined ? {} : {pool}),
      ...(isTextOnly || pool !== undefined ? {seed} : {}),
      examples: this.text,
    };
  }

  /** Examples for each item, or why it can't be asked with them: a picture is gone, the context too small. */
  async choose(asked: readonly Asked[]): Promise<(ChosenExamples | Error)[]> {
    const vectors = this.options.isTextOnly
      ? []
      : await this.model.embed(asked.map(({shown}) => shown));
    return Promise.all(
      asked.map(async (one, i) => {
        try {
          const examples = this.select(one.item, vectors[i]);
          const problem = await this.contextProblem(examples, one.questions);
          if (problem) throw problem;
          return await this.show(examples, one.questions);
        } catch (error) {
          if (error instanceof EmuError) return error;
          throw error;
        }
      }),
    );
  }

  private select({file}: BenchmarkItem, vector: Float32Array | undefined): Example[] {
    const own = file === undefined ? undefined : path.resolve(file);
    const {count} = this.options;
    if (!vector) return this.examples.filter((each) => each.file !== own).slice(0, count);
    const places = [...this.examples.keys()].filter((i) => this.examples[i]!.file !== own);
    const support = places.map((i) => this.vectors[i]!);
    return selectSupport(vector, support, count).map(({index}) => this.examples[places[index]!]!);
  }

  private async show(
    examples: readonly Example[],
    questions: readonly Question[],
  ): Promise<ChosenExamples> {
    const {media} = this.benchmark;
    const {imageSize} = this.model;
    const shown = this.options.isTextOnly
      ? []
      : await Promise.all(examples.map(({file}) => readShown(file, media, imageSize)));
    return {
      ids: examples.map(({id}) => id),
      shown,
      prompt: (q) => this.prompt(examples, questions, q),
    };
  }

  private prompt(examples: readonly Example[], questions: readonly Question[], q: number): string {
    const before = examples.map(
      ({questions: own, answers}): AnsweredQuestion => ({
        question: own[q]!,
        answer: answers[q]!,
        isShown: !this.options.isTextOnly,
      }),
    );
    return fewShotPrompt(before, questions[q]!, this.model.mode);
  }

  /** Tokens of the longest prompt, and those that must fit after it. */
  private async length(examples: readonly Example[], questions: readonly Question[]) {
    const picture: PromptItem =
      this.benchmark.media === 'video' ? {type: 'video', frames: 8} : {type: 'image'};
    const requests = questions.map((_, q): PromptItem[] => {
      const text = this.prompt(examples, questions, q).replaceAll('{IMAGE}', '[image]');
      const pictures = text.split('[image]').length - 1;
      return [...new Array<PromptItem>(pictures).fill(picture), {type: 'text', text}];
    });
    const [{candidates, search}] = questions as [Question];
    const answers = (candidates ?? []).map((text): PromptItem[] => [{type: 'text', text}]);
    const options = {task: 'raw'} as const;
    const lengths = await this.model.countTokens([...requests, ...answers], options);
    return {
      prompt: Math.max(...lengths.slice(0, requests.length)),
      answer: candidates ? Math.max(...lengths.slice(requests.length)) : search.maxNewTokens,
    };
  }

  /** Why these examples cannot stand before the questions: nothing is cut. */
  private async contextProblem(
    examples: readonly Example[],
    questions: readonly Question[],
  ): Promise<EmuError | undefined> {
    const {contextLength} = this.model;
    const fits = async (count: number) => {
      const {prompt, answer} = await this.length(
        examples.slice(examples.length - count),
        questions,
      );
      return prompt + answer <= contextLength;
    };
    if (await fits(examples.length)) return undefined;
    const {prompt, answer} = await this.length(examples, questions);
    let most = examples.length - 1;
    while (most > 0 && !(await fits(most))) most--;
    return new EmuError(
      `--shots ${examples.length}: the prompt has ${prompt} tokens, its answer up to ${answer}, and the model's context is ${contextLength}; ${most === 0 ? 'no example fits' : `${most} fit${most === 1 ? 's' : ''}`}`,
      {code: 'context_full', reason: 'usage'},
    );
  }

  /** Said before anything is asked, and the same whatever is done already: by examples of middle length. */
  private async checkContext(item: BenchmarkItem): Promise<void> {
    const textLength = ({questions, answers}: Example) =>
      questions.reduce((sum, {text}, q) => sum + text.length + answers[q]!.length, 0);
    const sorted = [...this.examples].sort((a, b) => textLength(a) - textLength(b));
    const middle = sorted[Math.floor(sorted.length / 2)]!;
    const examples = new Array<Example>(this.options.count).fill(middle);
    const problem = await this.contextProblem(examples, this.benchmark.questions(item));
    if (problem) throw problem;
  }
}

/** The vectors of an index by the pictures' full names. Throws InputError for one of another vision encoder. */
export function vectorsByFile(
  file: string,
  {folder, visionId, model, vectors}: PictureIndex,
  embedder: Embedder,
): Map<string, Float32Array> {
  if (visionId !== embedder.visionId)
    throw new InputError(
      file,
      `was made by the vision encoder of another model (${model})`,
      `make it again with \`emu index\` and -m ${embedder.model}`,
    );
  return new Map([...vectors].map(([name, {vector}]) => [path.resolve(folder, name), vector]));
}
