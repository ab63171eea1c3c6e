// A conversation with the language model: one KV cache goes along with what is said, so that a turn costs its
// new tokens only. B sequences of a search, T new tokens, N embeddings a picture, C hidden size, V vocabulary.
import {performance} from 'node:perf_hooks';
import tf from '#tfjs';
import {isCancelled, resumeKernels, uncancelled} from '../kernels/cancelled.js';
import type {EmuModel} from './emu.js';
import {type Decoder, type GenerationOptions, generate, numRows} from './generate.js';
import {History} from './history.js';
import type {KvCache} from './kvCache.js';
import {countingPositions} from './llama.js';
import {nextTurn} from './nextTurn.js';

/** Prompt tokens that are computed at once: between them a signal is heard. */
const CHUNK = 128;

export type AnswerEvent =
  /** Ids that the answer is now certain to have next. */
  | {readonly type: 'tokens'; readonly ids: readonly number[]}
  | {
      readonly type: 'done';
      /** All ids of the answer. */
      readonly ids: readonly number[];
      /** The signal stopped it, or kernels that were cancelled. */
      readonly isStopped: boolean;
      /** Prompt tokens that were computed for it, and seconds from the prompt's end to the answer's. */
      readonly newPromptTokens: number;
      readonly seconds: number;
    };

/** Sequence i of a step goes on from parents[i] of the step before with tokens[i]. */
interface Step {
  readonly tokens: readonly number[];
  readonly parents: readonly number[];
}

/**
 * The cache always holds the keys and values of the history's first positions, and nothing that depends on
 * anything else: an answer is the one that a fresh prompt of the same ids gives (up to the rounding of sums
 * that are added in other pieces, about 1e-6 of a score). Keys carry their positions, and deeper layers what
 * earlier tokens said; so when a history changes before its end, all after the change is computed again.
 */
export class Conversation {
  private readonly cache: KvCache;
  private said = new History([]);

  constructor(private readonly model: EmuModel) {
    this.cache = model.llama.newCache(1, model.llama.config.contextLength);
  }

  get history(): History {
    return this.said;
  }

  /** How many of the history's first positions are in the cache; the next answer computes the others. */
  get cachedLength(): number {
    return this.cache.length;
  }

  /** Bytes of the cache's positions and of the pictures' embeddings. */
  get bytes(): number {
    const embeddings = this.said.pictures.reduce((sum, {embeds}) => sum + 4 * embeds.size, 0);
    return this.cache.length * this.cache.positionBytes + embeddings;
  }

  /**
   * Another history takes the place of the present one; nothing is computed. It may share pictures with the
   * present one, whose others are disposed.
   */
  replace(history: History): void {
    this.cache.rewind(this.reusable(history));
    this.adopt(history);
  }

  private adopt(history: History): void {
    const kept = new Set(history.pictures.map(({embeds}) => embeds));
    for (const {embeds} of this.said.pictures) if (!kept.has(embeds)) embeds.dispose();
    this.said = history;
  }

  /**
   * Answers `asked`: the present history with a question, and maybe without old turns. Beams share the past and
   * begin from it. With the first token `asked` becomes the history, in the end with the answer, also where it
   * was stopped; stopped or failed before that, the history stays what it was and the new pictures of `asked`
   * are disposed. Throws as `generate` does, but ends when its signal is aborted.
   */
  async *answer(asked: History, options: GenerationOptions): AsyncGenerator<AnswerEvent> {
    const start = Math.min(this.reusable(asked), asked.length - 1);
    const steps: Step[] = [];
    const answer: number[] = [];
    let isStopped = false;
    let started = performance.now();
    const decoder: Decoder = {
      vocabSize: this.model.llama.config.vocabSize,
      prefill: async () => {
        const logits = await this.prefill(asked, start, options);
        started = performance.now();
        return logits;
      },
      step: (tokens, parents) => {
        const rows = tokens.map((token) => [token]);
        const logits = this.logits(() => this.model.embedPrompt(rows, -1), parents);
        steps.push({tokens, parents});
        return logits;
      },
    };
    try {
      for await (const event of generate(decoder, options)) {
        if (event.type === 'done') break;
        answer.push(...event.ids);
        yield event;
      }
    } catch (error) {
      isStopped = isStop(error, options.signal);
      if (!isStopped) throw error;
      resumeKernels();
    } finally {
      this.settle(asked, start, answer, steps);
    }
    const seconds = (performance.now() - started) / 1000;
    const newPromptTokens = asked.length - start;
    yield {type: 'done', ids: answer, isStopped, newPromptTokens, seconds};
  }

  /** Copies of the cache's numbers: of all layers the keys, then the values, [cachedLength, H, D] each. */
  cachedNumbers(): Generator<Float32Array> {
    return this.cache.read();
  }

  /** A new conversation goes on from a saved one: `layers` as cachedNumbers gave them for `length` positions. */
  restore(history: History, length: number, layers: Iterable<Float32Array>): void {
    this.said = history;
    if (length > 0) this.cache.fill(length, layers);
  }

  dispose(): void {
    this.cache.dispose();
    for (const {embeds} of this.said.pictures) embeds.dispose();
  }

  private reusable(history: History): number {
    return Math.min(this.cache.length, this.said.sharedLength(history));
  }

  /** Computes `asked` from `start` on: scores of the first new token [V]. */
  private async prefill(
    asked: History,
    start: number,
    options: GenerationOptions,
  ): Promise<Float32Array> {
    this.cache.rewind(start);
    for (let from = start; ; from += CHUNK) {
      const to = Math.min(from + CHUNK, asked.length);
      const logits = await nextTurn(options.signal, () =>
        this.logits(() => this.embed(asked, from, to), [0]),
      );
      if (to < asked.length) continue;
      this.cache.branch(numRows(options), options.maxNewTokens);
      return logits;
    }
  }

  /** `embed` gives [B, T, C] -> scores after the last of T [B, V] */
  private logits(embed: () => tf.Tensor3D, parents: readonly number[]): Float32Array {
    const {llama} = this.model;
    const scores = tf.tidy(() => {
      const embeds = embed();
      const [batch, seqLen, size] = embeds.shape;
      const positions = countingPositions(batch, seqLen, this.cache.length);
      this.cache.advance(parents, seqLen);
      const past = {cache: this.cache, rows: this.cache.rowTable()};
      const hidden = llama.forward(embeds, {positions}, past);
      const last = tf.slice(hidden, [0, seqLen - 1, 0], [batch, 1, size]);
      return llama.logits(tf.reshape<tf.Rank.R2>(last, [batch, size]));
    });
    // Outside tf.tidy: that looks for tensors in each of the values.
    const values = Float32Array.from(scores.dataSync());
    scores.dispose();
    return values;
  }

  /** Positions `from` to `to` of a history [1, T, C]: tokens, and pictures' embeddings in their places. */
  private embed({ids, pictures}: History, from: number, to: number): tf.Tensor3D {
    const parts: tf.Tensor3D[] = [];
    let at = from;
    const tokensUpTo = (end: number) => {
      if (end > at) parts.push(this.model.embedPrompt([ids.slice(at, end)], -1));
    };
    for (const {start, embeds} of pictures) {
      const [count, size] = embeds.shape;
      const begin = Math.max(start, from);
      const length = Math.min(start + count, to) - begin;
      if (length <= 0) continue;
      tokensUpTo(begin);
      const seen = tf.slice(embeds, [begin - start, 0], [length, size]);
      parts.push(tf.reshape(seen, [1, length, size]));
      at = begin + length;
    }
    tokensUpTo(to);
    return tf.concat(parts, 1);
  }

  /** After an answer: the cache and the history are those of what was said, or as before where nothing was. */
  private settle(
    asked: History,
    start: number,
    answer: readonly number[],
    steps: readonly Step[],
  ): void {
    if (answer.length > 0) {
      const path = pathOf(answer, steps);
      uncancelled(() => this.cache.join(path));
      this.adopt(asked.append(answer));
      return;
    }
    this.cache.join([]);
    this.cache.rewind(Math.min(this.cache.length, start));
    const own = new Set(this.said.pictures.map(({embeds}) => embeds));
    for (const {embeds} of asked.pictures) if (!own.has(embeds)) embeds.dispose();
  }
}

/** Of each of the answer's first tokens the sequence that it was computed in, as far as it was. */
function pathOf(answer: readonly number[], steps: readonly Step[]): number[] {
  const path: number[] = [];
  for (const {tokens, parents} of steps) {
    const wanted = answer[path.length];
    const from = path.at(-1) ?? 0;
    const at = tokens.findIndex((token, i) => token === wanted && parents[i] === from);
    if (at < 0) break;
    path.push(at);
  }
  return path;
}

/** Whether a failure is what a stopped computation ends with. */
export function isStop(error: unknown, signal: AbortSignal | undefined): boolean {
  return isCancelled(error) || (signal?.aborted === true && error === signal.reason);
}
