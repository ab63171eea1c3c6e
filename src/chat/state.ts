// What a chat looks like from outside at one moment; session.ts makes one after the other.
import type {Picture} from '../data/picture.js';
import type {EmuError} from '../errors.js';
import type {ChatAnswer, ChatModelInfo, ChatStatus} from './chatModel.js';
import type {UserMedia, UserPart} from './transcript.js';

/** One thing that happened; what is on the list stays as it is, and only the end grows. */
export type Entry = {readonly id: number} & (
  | {
      readonly type: 'question';
      readonly wants: 'text' | 'drawing';
      readonly parts: readonly UserPart[];
      /** The first picture of each picture and video in it. */
      readonly pictures: readonly Picture[];
    }
  | ({readonly type: 'answer'} & EntryAnswer)
  | {
      readonly type: 'drawing';
      readonly picture: Picture;
      readonly file: string;
      readonly seed: number;
      readonly isFlagged: boolean;
      readonly prompt: string;
      /** Of an earlier sitting. */
      readonly isPast: boolean;
    }
  | {readonly type: 'note'; readonly text: string}
  | {readonly type: 'error'; readonly error: EmuError}
);

export interface EntryAnswer {
  readonly text: string;
  readonly isStopped: boolean;
  /** Undefined for an answer of an earlier sitting. */
  readonly facts: Omit<ChatAnswer, 'text' | 'isStopped'> | undefined;
}

/** What is going on now. */
export type Live =
  | {readonly type: 'answer'; readonly text: string}
  | {
      readonly type: 'drawing';
      readonly step: number;
      readonly steps: number;
      readonly preview: Picture | undefined;
    }
  | {readonly type: 'busy'; readonly what: string};

export interface ChatState {
  readonly id: string;
  readonly model: {
    readonly name: string;
    readonly phase: 'loading' | 'ready' | 'failed';
    readonly info: ChatModelInfo | undefined;
  };
  readonly entries: readonly Entry[];
  readonly live: Live | undefined;
  /** Asked while the model was busy, in order. */
  readonly queued: readonly string[];
  /** Pictures and videos that go with the next question. */
  readonly pending: readonly UserMedia[];
  readonly status: ChatStatus | undefined;
  /** Of the last answer. */
  readonly tokensPerSecond: number | undefined;
  /** What the input is to hold now; each has a number of its own. */
  readonly draft: {readonly text: string; readonly serial: number} | undefined;
  readonly isLeaving: boolean;
}

/** The part of the context from which on a person is told that it fills up. */
export const NEARLY_FULL = 0.8;

export function contextShare({contextTokens, contextLength}: ChatStatus): number {
  return contextTokens / contextLength;
}
