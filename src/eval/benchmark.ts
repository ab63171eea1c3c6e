// What every benchmark tells the evaluation: its items, what is asked about each, and how answers are scored.
import type {Picture} from '../data/picture.js';

/** Settings of the search for an answer, in the official code's terms. */
export interface SearchSettings {
  readonly numBeams: number;
  readonly maxNewTokens: number;
  /** Counts the start token, as transformers does. */
  readonly minLength: number;
  readonly lengthPenalty: number;
}

/** What is asked about an item. `text` stands after the picture; `opening` begins the answer. */
export interface Question {
  /** Said by the person, with {IMAGE} where the pictures stand. */
  readonly text: string;
  /** First words of the answer, which the model goes on with. */
  readonly opening?: string;
  /** What a pretrained model reads in the place of both: contract.md's form, pictures then question. */
  readonly plain: string;
  /**
   * In the place of `plain` where examples stand before it: names what comes next, as a pretrained model goes on
   * the way it began.
   */
  readonly fewShot?: string;
  readonly search: SearchSettings;
  /** The answer is one of these. */
  readonly choices?: readonly string[];
  /** Nothing is generated: these are put in order by how likely they are. */
  readonly candidates?: readonly string[];
  /**
   * Each picture with the text that follows it, in turn, is the whole prompt, in the place of `text` and
   * `plain`: an interleaved one, which goes to the base where the model has one.
   */
  readonly between?: readonly string[];
}

export type ItemId = string | number;

/** What is asked about another picture than its own, or none, to see what a score is worth. */
export interface Control {
  /** blank, shuffled, ... */
  readonly name: string;
  /** The item that is asked about again. */
  readonly of: ItemId;
  /** Place of that item among those of its kind, from 0. */
  readonly rank: number;
}

export interface BenchmarkItem {
  /** The official code's instance id. */
  readonly id: ItemId;
  /** Of a picture or video; absent for prompts to draw from. */
  readonly file?: string;
  /** Composed at run time, in the place of a file. Several are a video. */
  readonly pictures?: () => Promise<readonly Picture[]>;
  /** What sort of question it is: those alike are asked together. */
  readonly kind?: string;
  /** Makes it a control, which does not count in any score. */
  readonly control?: Control;
}

/** What the model gave: a text, a text for each question, or the candidates' losses. */
export type Prediction = string | readonly string[] | readonly number[];

export interface Predicted<Item extends BenchmarkItem> {
  readonly item: Item;
  readonly prediction: Prediction;
}

export interface Scores {
  /** By the metrics' official names. */
  readonly values: Readonly<Record<string, number>>;
  /** Parts of it: by question type and the like. */
  readonly details?: Readonly<Record<string, ReadonlyMap<string, number>>>;
  /**
   * Of each item in their order, by metric: what confidence intervals are drawn from. Only metrics that are
   * means of these; undefined where a metric says nothing about an item.
   */
  readonly perItem?: Readonly<Record<string, readonly (number | undefined)[]>>;
  /** Of how many items it tells, where that is not all that were predicted. */
  readonly scored?: number;
  /** What a reader must know about the intervals. */
  readonly note?: string;
  /** Metrics beside what is reached without the model, or with the wrong pictures. */
  readonly kinds?: readonly KindScore[];
}

/** How questions of a kind went, in percent. */
export interface KindScore {
  /** A metric of `values`. */
  readonly kind: string;
  readonly count: number;
  /** Standard error of the score. */
  readonly error: number;
  /** chance, majority, wording, nearest: what is right without the model. */
  readonly baselines: Readonly<Record<string, number>>;
  /** What is right with a blank picture and the like, and of how many. */
  readonly controls: Readonly<Record<string, {readonly score: number; readonly count: number}>>;
}

/** A row of the paper's tables beside which a score is shown. */
export interface PaperRow {
  readonly model: string;
  readonly value: number;
  readonly source: string;
}

/** Where worked examples for prompts come from: items whose answers are known, of a split that is not asked about. */
export interface Support<Item extends BenchmarkItem> {
  /** The first is taken unless told; the training split where the benchmark has one. */
  readonly splits: readonly [string, ...string[]];
  /** Throws InputError naming the file. */
  read(root: string, split: string): Item[];
  /** The answer to each of the item's questions; undefined where nobody gave one. */
  answers(item: Item): readonly string[] | undefined;
}

export interface Benchmark<Item extends BenchmarkItem = BenchmarkItem> {
  readonly name: string;
  /** none: there are only prompts. */
  readonly media: 'picture' | 'video' | 'none';
  /** The official evaluation's first. */
  readonly splits: readonly [string, ...string[]];
  /** The metric that the paper reports. */
  readonly headline: string;
  readonly paper: readonly PaperRow[];
  /** Where its files lie when no folder is named; without this one has to be. */
  readonly ownRoot?: (split: string) => string;
  /** Fetches what the split's pictures and baselines are made of, before anything is asked. */
  readonly fetch?: (root: string, split: string, onProgress: (line: string) => void) => void;
  /** Reads the split out of the benchmark's files under `root`. Throws InputError naming the file. */
  read(root: string, split: string): Item[];
  /** One, or two where the second depends on nothing of the first's answer. */
  questions(item: Item): readonly Question[];
  /** For prompts with examples (`--shots`). */
  readonly support?: Support<Item>;
  /** What people said about the item, for who reads a report. */
  expected?(item: Item): readonly string[];
  /** What the benchmark's server, or its official scorer, takes. */
  submission(predicted: readonly Predicted<Item>[]): unknown;
  /** undefined: the split's answers are the server's alone. */
  score(predicted: readonly Predicted<Item>[], split: string): Scores | undefined;
  /** Percent right, by kind, of answers taken from the nearest of the training pictures by their pixels. */
  readonly nearest?: (items: readonly Item[]) => Promise<ReadonlyMap<string, number>>;
}

/** VQA's: short answers. */
export const shortSearch: SearchSettings = {
  numBeams: 5,
  maxNewTokens: 20,
  minLength: 1,
  lengthPenalty: -1,
};

/** The likeliest word, one after the other. */
export const greedySearch: SearchSettings = {
  numBeams: 1,
  maxNewTokens: 24,
  minLength: 1,
  lengthPenalty: 0,
};
