// What a chat asks of a model; the session (session.ts) knows nothing else of it.
import type {DrawEvent} from '../draw.js';
import type {Picture} from '../data/picture.js';

/** What a person says in one turn, in order. */
export type ChatPart =
  | {readonly type: 'text'; readonly text: string}
  | {readonly type: 'image'; readonly picture: Picture}
  | {readonly type: 'video'; readonly frames: readonly Picture[]};

export interface ChatModelInfo {
  readonly name: string;
  readonly backend: string;
  readonly canDraw: boolean;
  readonly imageSize: number;
  /** Tokens that a picture takes, its [IMG] and [/IMG] included. */
  readonly tokensPerPicture: number;
  /** Tokens. */
  readonly contextLength: number;
}

/** How full the conversation is. */
export interface ChatStatus {
  /** Turns that the model still knows, dropped ones not counted. */
  readonly turns: number;
  /** Oldest turns that were dropped, by the rule of conversation.ts, so that the rest fits. */
  readonly droppedTurns: number;
  readonly contextTokens: number;
  readonly contextLength: number;
  /** Bytes of the KV cache and of the pictures' embeddings. */
  readonly cacheBytes: number;
}

export interface AnswerOptions {
  readonly maxTokens?: number;
  readonly numBeams?: number;
  readonly sample?: boolean;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly seed?: number;
}

export interface ChatAnswer {
  readonly text: string;
  /** Ids of the new tokens. */
  readonly tokens: readonly number[];
  /** Tokens of the prompt that were computed for this turn: the new ones only. */
  readonly newPromptTokens: number;
  readonly tokensPerSecond: number;
  /** Seconds from the question to the first token. */
  readonly firstTokenSeconds: number;
  /** The person stopped it; what was said until then stands. */
  readonly isStopped: boolean;
  readonly status: ChatStatus;
}

export interface ChatDrawing {
  readonly picture: Picture;
  readonly isFlagged: boolean;
  readonly seed: number;
}

export interface ChatDrawOptions {
  readonly seed?: number;
  readonly steps?: number;
  readonly guidance?: number;
  /** Previews are sent every few steps. */
  readonly preview?: boolean;
}

/** A step, with previews now and then, or the picture. */
export type ChatDrawEvent = Exclude<DrawEvent, {type: 'done'}>;

export interface ChatDrawn {
  /** None where it was stopped. */
  readonly drawing?: ChatDrawing;
  readonly isStopped: boolean;
  readonly status: ChatStatus;
}

/** A turn of the past, for a model that has not answered it itself or has forgotten it. */
export interface PastTurn {
  readonly parts: readonly ChatPart[];
  readonly answer:
    | {
        readonly type: 'text';
        readonly text: string;
        /** Ids of its tokens, where this model's own are known. */
        readonly tokens?: readonly number[];
      }
    | {readonly type: 'image'; readonly picture: Picture};
}

/** A conversation that a model holds. One call at a time; `signal` stops it within a step. */
export interface ChatModel {
  readonly info: ChatModelInfo;
  /** Forgets everything; `system` is the text that comes before the first turn (default: Emu-I's). */
  begin(system?: string): Promise<ChatStatus>;
  /** One turn: the parts are asked, the answer streams. A stopped answer stays in the history as far as it came. */
  ask(
    parts: readonly ChatPart[],
    options: AnswerOptions,
    onText: (delta: string) => void,
    signal?: AbortSignal,
  ): Promise<ChatAnswer>;
  /** One turn: a picture is drawn from the parts, and stands in the history as an answer. */
  draw(
    parts: readonly ChatPart[],
    options: ChatDrawOptions,
    onEvent: (event: ChatDrawEvent) => void,
    signal?: AbortSignal,
  ): Promise<ChatDrawn>;
  /** Back to the first `turns` of the turns that it still knows. */
  rewind(turns: number): Promise<ChatStatus>;
  /**
   * Writes ids, embeddings and, unless `cache` is false, the KV cache to `file`, whole or not at all. Without
   * the cache the file is small, and the first turn after `restore` computes the past.
   */
  save(file: string, options?: {readonly cache?: boolean}): Promise<void>;
  /** Goes on from such a file. Throws InputError for one of another model, or a damaged one. */
  restore(file: string): Promise<ChatStatus>;
  /**
   * Turns of the past follow those that it knows: their prompts and answers are computed, nothing is
   * generated. As with questions, the oldest are dropped where not all fit.
   */
  recall(turns: readonly PastTurn[], signal?: AbortSignal): Promise<ChatStatus>;
  close(): Promise<void>;
}
