// The messages between the terminal's thread and the model's (modelHost.ts, modelWorker.ts).
import type {ChatCalls} from '../chat/chatCalls.js';
import type {DrawEvent, DrawOptions, DrawResult} from '../draw.js';
import type {CandidateLosses, Item, LoadOptions, TextOptions, TextResult} from '../emu.js';
import type {BackendInfo} from '../kernels/backend.js';
import type {PromptItem} from '../text/prompt.js';
import type {BenchTrainOptions, BenchTrainResult} from '../train/benchTrain.js';
import type {RunOptions, StageName} from '../train/run.js';
import type {TrainingProgress} from '../train/train.js';
import type {Converted, ConvertOptions} from '../weights/convertModel.js';
import type {WireError} from '../wireError.js';
import type {BenchOptions, BenchResult} from './bench.js';

/** The model that a worker holds. */
export interface ModelInfo {
  readonly name: string;
  readonly mode: 'pretrain' | 'instruct';
  readonly backend: BackendInfo;
  readonly loadSeconds: number;
  /** Side of the pictures that it sees. */
  readonly imageSize: number;
  /** Most tokens of a prompt and its answer. */
  readonly contextLength: number;
  /** How many layers are on the GPU and on the CPU, where the backend has memory of its own. */
  readonly layers?: {readonly device: number; readonly host: number};
  /** What a person should know of how it is loaded. */
  readonly notes: readonly string[];
}

export interface TraceResult {
  readonly file: string;
  readonly tensors: Record<string, readonly number[]>;
}

type TrainBackend = Pick<LoadOptions, 'backend' | 'threads' | 'isa'>;

/** What a call is given, what it tells on the way, what it returns. */
export interface Calls extends ChatCalls {
  load: {
    /** coreSharers: processes of one run that may use the same cores, this one included. */
    params: {model: string; options: LoadOptions; coreSharers?: number};
    event: never;
    result: ModelInfo;
  };
  generateText: {
    params: {items: Item[]; options: Omit<TextOptions, 'signal'>};
    event: string;
    result: TextResult;
  };
  generateTexts: {
    params: {requests: Item[][]; options: Omit<TextOptions, 'signal'>};
    event: never;
    result: TextResult[];
  };
  scoreCandidates: {
    params: {items: Item[]; candidates: readonly string[]; options: Omit<TextOptions, 'signal'>};
    event: never;
    result: CandidateLosses;
  };
  embed: {
    params: {items: Item[]};
    event: never;
    result: Float32Array[];
  };
  visionId: {
    params: Record<string, never>;
    event: never;
    result: string;
  };
  countTokens: {
    params: {requests: PromptItem[][]; options: Omit<TextOptions, 'signal'>};
    event: never;
    result: number[];
  };
  /** Of each text the words that the model has no tokens for. */
  unknownWords: {
    params: {texts: readonly string[]};
    event: never;
    result: string[][];
  };
  generateImage: {
    params: {items: Item[]; options: Omit<DrawOptions, 'signal'>};
    event: Exclude<DrawEvent, {type: 'done'}>;
    result: DrawResult;
  };
  trace: {
    params: {items: Item[]; options: Omit<TextOptions, 'signal'>; tokens: number; file: string};
    event: never;
    result: TraceResult;
  };
  traceImage: {
    params: {items: Item[]; options: Omit<DrawOptions, 'signal'>; file: string};
    event: never;
    result: TraceResult;
  };
  convert: {
    params: {model: string; out: string; options: ConvertOptions};
    event: never;
    result: Converted;
  };
  bench: {
    params: BenchOptions;
    event: {stage: string; fraction?: number};
    result: BenchResult;
  };
  benchTrain: {
    params: Omit<BenchTrainOptions, 'onNote'> & {backend: TrainBackend};
    event: {note: string} | {fraction: number};
    result: BenchTrainResult &
      BackendInfo & {
        /** Bytes: the most memory that the process had at once. */
        peakMemory: number;
      };
  };
  train: {
    params: Omit<RunOptions, 'signal' | 'onNote' | 'onProgress' | 'ranks'> & {
      stage: StageName;
      backend: TrainBackend;
    };
    event: {note: string} | {progress: TrainingProgress};
    result: {backend: BackendInfo; rank: number};
  };
}

export type Method = keyof Calls;

export interface Request {
  readonly id: number;
  readonly method: Method;
  readonly params: unknown;
}

/** Stops the call of that id: it ends as soon as its next step, or kernel, hears of it. */
export interface Cancel {
  readonly cancel: number;
}

export type Reply =
  | {readonly id: number; readonly event: unknown}
  | {readonly id: number; readonly result: unknown}
  | {readonly id: number; readonly error: WireError};
