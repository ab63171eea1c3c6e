// What may be asked of an answer in text, and the search that this makes.
import {EmuError} from './errors.js';
import type {GenerationOptions} from './model/generate.js';
import {AnswerTrie} from './text/answerTrie.js';
import {type PromptRequest, taskDefaults} from './text/prompt.js';
import type {Tokenizer} from './text/tokenizer.js';

/** What is asked for, and how the answer is searched. Defaults are the official code's. */
export interface TextOptions {
  readonly task: PromptRequest['task'];
  readonly system?: string;
  readonly prompt?: string;
  readonly numBeams?: number;
  readonly numCaptions?: number;
  readonly maxTokens?: number;
  /** New tokens before the end may come (Hugging Face's min_length less one). */
  readonly minTokens?: number;
  readonly lengthPenalty?: number;
  readonly repetitionPenalty?: number;
  readonly noRepeatNgram?: number;
  readonly sample?: boolean;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly seed?: number;
  /** The answer is one of these. */
  readonly choices?: readonly string[];
  readonly signal?: AbortSignal;
}

/** How many new tokens there may be in a context of `limit` tokens. Throws EmuError where the context is too small. */
export function roomFor(promptLength: number, limit: number, search: GenerationOptions): number {
  // At least one new token must fit, and as many as --min-tokens asks for.
  if (promptLength + Math.max(1, search.minLength - 1) > limit)
    throw new EmuError(
      `the prompt has ${promptLength} tokens, the model's context is ${limit}; use fewer pictures or less text`,
      {code: 'context_full', reason: 'usage'},
    );
  return Math.min(search.maxNewTokens, limit - promptLength);
}

/** The search that is asked for, Emu's own settings where nothing is said. */
export function searchOptions(options: TextOptions, tokenizer: Tokenizer): GenerationOptions {
  const {task, sample = false, choices} = options;
  const {bos, eos} = tokenizer.ids;
  const trie =
    choices &&
    new AnswerTrie(choices.map((text) => [...tokenizer.encode(text, {bos: false}), eos]));
  const defaults = taskDefaults(task);
  return {
    maxNewTokens: options.maxTokens ?? defaults.maxNewTokens,
    minLength: (options.minTokens ?? 0) + 1, // Hugging Face counts BOS
    numBeams: sample ? 1 : (options.numBeams ?? 5),
    lengthPenalty: options.lengthPenalty ?? defaults.lengthPenalty,
    repetitionPenalty: options.repetitionPenalty ?? 1,
    noRepeatNgramSize: options.noRepeatNgram ?? 0,
    numReturnSequences: options.numCaptions ?? 1,
    doSample: sample,
    temperature: options.temperature ?? 1,
    topK: options.topK ?? 0,
    topP: options.topP ?? 0.9,
    seed: options.seed ?? 0,
    bosId: bos,
    eosId: eos,
    ...(trie ? {allowed: (newIds) => trie.allowed(newIds)} : {}),
    ...(options.signal ? {signal: options.signal} : {}),
  };
}
