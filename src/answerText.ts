// Answers in text: one as it is written, or several together.
import {performance} from 'node:perf_hooks';
import {encodePictures} from './encodePictures.js';
import type {ModelInMode} from './loadModes.js';
import {LlamaDecoder} from './model/decoder.js';
import {generate, numRows} from './model/generate.js';
import {PromptBatch} from './model/promptBatch.js';
import type {Prepared} from './preparePrompt.js';
import {AnswerStream} from './text/answerStream.js';
import {roomFor, searchOptions, type TextOptions} from './textOptions.js';
import {type TextResult, textResult} from './textResult.js';
import type {EmuConfig} from './weights/config.js';

export type TextEvent =
  | {readonly type: 'text'; readonly delta: string}
  | {readonly type: 'done'; readonly result: TextResult};

/** Throws EmuError (memory) when the keys and values of so many sequences do not fit. */
type CheckCache = (rows: number, positions: number) => void;

export const seconds = (since: number) => (performance.now() - since) / 1000;

/** Deltas as they become certain, then the whole result. */
export async function* answerText(
  {model, tokenizer}: ModelInMode,
  config: EmuConfig,
  {prompt, ids, pixels}: Prepared,
  options: TextOptions,
  checkCache: CheckCache,
): AsyncGenerator<TextEvent> {
  const search = searchOptions(options, tokenizer);
  const maxNewTokens = roomFor(ids.length, config.llama.contextLength, search);
  checkCache(numRows(search), ids.length + maxNewTokens);

  let started = performance.now();
  const imageEmbeds = encodePictures(model, config.vision, pixels);
  const vision = seconds(started);

  started = performance.now();
  const embeds = model.embedPrompt([ids], tokenizer.ids.image, imageEmbeds);
  imageEmbeds?.dispose();
  const decoder = new LlamaDecoder(model.llama, embeds, numRows(search), maxNewTokens);
  let promptSeconds = 0;
  const timed = {
    vocabSize: decoder.vocabSize,
    prefill: () => {
      const logits = decoder.prefill();
      promptSeconds = seconds(started);
      return logits;
    },
    step: decoder.step.bind(decoder),
  };
  try {
    const stream = new AnswerStream(tokenizer);
    const delta = (text: string): TextEvent[] => (text === '' ? [] : [{type: 'text', delta: text}]);
    for await (const event of generate(timed, {...search, maxNewTokens})) {
      if (event.type === 'tokens') {
        yield* delta(stream.push(event.ids));
        continue;
      }
      yield* delta(stream.end());
      const timings = {vision, prompt: promptSeconds, generate: seconds(started) - promptSeconds};
      yield {type: 'done', result: textResult(tokenizer, prompt, event.sequences, timings)};
    }
  } finally {
    decoder.dispose();
  }
}

/** The answers in the order of the prompts: the model takes each step for all that are not done. */
export async function answerTogether(
  {model, tokenizer}: ModelInMode,
  config: EmuConfig,
  prepared: readonly Prepared[],
  options: TextOptions,
  checkCache: CheckCache,
): Promise<TextResult[]> {
  const search = searchOptions(options, tokenizer);
  const room = prepared.map(({ids}) => roomFor(ids.length, config.llama.contextLength, search));
  const longest = Math.max(...prepared.map(({ids}) => ids.length)) + Math.max(...room);
  checkCache(prepared.length * numRows(search), longest);
  let started = performance.now();
  const pictures = prepared.flatMap(({pixels}) => pixels);
  const imageEmbeds = encodePictures(model, config.vision, pictures);
  const vision = seconds(started) / prepared.length;
  started = performance.now();
  const prompts = prepared.map(({ids}) => ids);
  const batch = new PromptBatch(
    model,
    prompts,
    tokenizer.ids,
    imageEmbeds,
    numRows(search),
    Math.max(...room),
  );
  const answer = async (i: number) => {
    try {
      const all = generate(batch.decoder(i), {...search, maxNewTokens: room[i]!});
      for await (const event of all) if (event.type === 'done') return event.sequences;
      throw new Error('generate ended without an answer');
    } finally {
      batch.end(i);
    }
  };
  try {
    const answers = await Promise.all(prompts.map((_, i) => answer(i)));
    const timings = {vision, prompt: 0, generate: seconds(started) / prepared.length};
    return answers.map((sequences, i) =>
      textResult(tokenizer, prepared[i]!.prompt, sequences, timings),
    );
  } finally {
    batch.dispose();
    imageEmbeds?.dispose();
  }
}
