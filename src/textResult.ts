// A search's sequences as the answer that is given.
import type {GeneratedSequence} from './model/generate.js';
import type {Tokenizer} from './text/tokenizer.js';
import {strip} from './text/whitespace.js';

export interface TextResult {
  readonly text: string;
  /** All answers, best first (`numCaptions` of them). */
  readonly texts: readonly string[];
  /** Ids of the new tokens of the best answer. */
  readonly tokens: readonly number[];
  /** What the best answer says before the first picture that it begins, if it begins one. */
  readonly beforePicture?: string;
  readonly prompt: string;
  readonly scores: readonly (number | undefined)[];
  /** Seconds. */
  readonly timings: {readonly vision: number; readonly prompt: number; readonly generate: number};
  readonly tokensPerSecond: number;
}

/** `sequences`: best first, each begun by one BOS. */
export function textResult(
  tokenizer: Tokenizer,
  prompt: string,
  sequences: readonly GeneratedSequence[],
  timings: TextResult['timings'],
): TextResult {
  const answers = sequences.map(({ids, score}) => ({tokens: ids.slice(1), score}));
  const texts = answers.map(({tokens}) => strip(tokenizer.decode(tokens, {skipSpecial: true})));
  const [text = ''] = texts;
  const tokens = answers[0]?.tokens ?? [];
  const place = tokens.indexOf(tokenizer.ids.img);
  const beforePicture = tokenizer.decode(tokens.slice(0, Math.max(0, place)), {skipSpecial: true});
  return {
    text,
    texts,
    tokens,
    ...(place < 0 ? {} : {beforePicture}),
    prompt,
    scores: answers.map(({score}) => score),
    timings,
    tokensPerSecond: tokens.length / Math.max(timings.generate, 1e-9),
  };
}
