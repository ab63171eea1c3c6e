// Several prompts continued at once: each has a search of its own (generate.ts), and when all that still go on
// have asked for their next scores, one pass of the model answers them.
// P prompts, B sequences of all of them, T tokens of the longest prompt, C hidden size, V vocabulary.
import tf from '#tfjs';
import type {EmuModel} from './emu.js';
import type {Decoder} from './generate.js';
import type {KvCache} from './kvCache.js';
import {paddedPositions} from './llama.js';
import type {PromptIds} from './regressImages.js';

interface Asked {
  readonly tokens: readonly number[];
  readonly parents: readonly number[];
  resolve(logits: Float32Array): void;
  reject(error: unknown): void;
}

export class PromptBatch {
  private readonly cache: KvCache;
  /** Of each prompt: how far it is padded on the left. */
  private readonly starts: readonly number[];
  /** Prompts whose search goes on; of each the cache's sequence that its first one is. */
  private readonly live: Map<number, number>;
  private readonly asked = new Map<number, Asked>();
  private readonly length: number;

  /**
   * @param prompts ids of each, BOS first
   * @param imageEmbeds [I, N, C] of the pictures in them, in the order of their places
   * @param rows most sequences of a prompt at once
   */
  constructor(
    private readonly model: EmuModel,
    private readonly prompts: readonly (readonly number[])[],
    private readonly ids: PromptIds,
    private readonly imageEmbeds: tf.Tensor3D | undefined,
    rows: number,
    maxNewTokens: number,
  ) {
    this.length = Math.max(...prompts.map(({length}) => length));
    // On the left: all prompts end together, and their sequences take their steps together.
    this.starts = prompts.map(({length}) => this.length - length);
    this.cache = model.llama.newCache(prompts.length * rows, this.length + maxNewTokens);
    this.live = new Map(prompts.map((_, i) => [i, 0]));
  }

  /** What the search of prompt `i` is given. It waits for the others: run all at once, and `end` each. */
  decoder(i: number): Decoder {
    return {
      vocabSize: this.model.llama.config.vocabSize,
      prefill: () => this.ask(i, [], []),
      step: (tokens, parents) => this.ask(i, tokens, parents),
    };
  }

  /** The search of prompt `i` is over, or has failed: the others no longer wait for it. */
  end(i: number): void {
    this.live.delete(i);
    this.runWhenAllAsked();
  }

  dispose(): void {
    this.cache.dispose();
  }

  private ask(
    i: number,
    tokens: readonly number[],
    parents: readonly number[],
  ): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      this.asked.set(i, {tokens, parents, resolve, reject});
      this.runWhenAllAsked();
    });
  }

  private runWhenAllAsked(): void {
    if (this.asked.size === 0 || this.asked.size < this.live.size) return;
    const asked = [...this.asked].sort(([a], [b]) => a - b);
    this.asked.clear();
    try {
      this.run(asked);
    } catch (error) {
      for (const [, {reject}] of asked) reject(error);
    }
  }

  private run(asked: readonly (readonly [number, Asked])[]): void {
    const isFirst = this.cache.length === 0;
    const counts = asked.map(([, {tokens}]) => (isFirst ? 1 : tokens.length));
    const logits = isFirst ? this.prefill() : this.step(asked);
    const {vocabSize} = this.model.llama.config;
    let row = 0;
    for (const [at, [i, {resolve}]] of asked.entries()) {
      this.live.set(i, row);
      const end = row + counts[at]!;
      resolve(logits.subarray(row * vocabSize, end * vocabSize));
      row = end;
    }
  }

  /** Scores of the first new token [P, V]. */
  private prefill(): Float32Array {
    const {pad, image} = this.ids;
    const shared = this.sharedPrefix();
    if (shared.length > 0)
      tf.tidy(() => void this.forward(this.model.embedPrompt([shared], image), [0], [0]));
    const rest = this.prompts.map((row, i) => [
      ...new Array<number>(this.starts[i]!).fill(pad),
      ...row.slice(shared.length),
    ]);
    const rows = rest.map((_, i) => i);
    return this.scores(
      () => this.model.embedPrompt(rest, image, this.imageEmbeds),
      rows,
      rows.map(() => 0),
    );
  }

  /**
   * What all prompts begin with before any picture: seen once for all of them. None where their lengths
   * differ, for padding stands before it then. The last token is left to each.
   */
  private sharedPrefix(): readonly number[] {
    const [first, ...others] = this.prompts;
    if (others.length === 0 || this.starts.some((start) => start > 0)) return [];
    const differs = (id: number, t: number) =>
      id === this.ids.image || others.some((other) => other[t] !== id);
    const end = first!.findIndex(differs);
    return first!.slice(0, end < 0 ? this.length - 1 : end);
  }

  /** Scores of the next token of every sequence [B, V]. */
  private step(asked: readonly (readonly [number, Asked])[]): Float32Array {
    const tokens = asked.flatMap(([, {tokens}]) => tokens);
    const owners = asked.flatMap(([i, {tokens}]) => tokens.map(() => i));
    const parents = asked.flatMap(([i, {parents}]) =>
      parents.map((parent) => this.live.get(i)! + parent),
    );
    const ids = () => tf.tensor2d(tokens, [tokens.length, 1], 'int32');
    return this.scores(() => this.model.llama.embed(ids()), owners, parents);
  }

  /** `embed` gives [B, T, C]; `owners`: the prompt of each row. */
  private scores(
    embed: () => tf.Tensor3D,
    owners: readonly number[],
    parents: readonly number[],
  ): Float32Array {
    const {llama} = this.model;
    const logits = tf.tidy(() => {
      const hidden = this.forward(embed(), owners, parents);
      const [batch, seqLen] = hidden.shape;
      const last = tf.slice(hidden, [0, seqLen - 1, 0], [batch, 1, -1]);
      return llama.logits(tf.squeeze<tf.Tensor2D>(last, [1]));
    });
    const values = Float32Array.from(logits.dataSync());
    logits.dispose();
    return values;
  }

  /** embeds [B, T, C] -> hidden states [B, T, C] */
  private forward(
    embeds: tf.Tensor3D,
    owners: readonly number[],
    parents: readonly number[],
  ): tf.Tensor3D {
    const seqLen = embeds.shape[1];
    const starts = owners.map((owner) => this.starts[owner]!);
    const positions = paddedPositions(starts, seqLen, this.cache.length);
    const keyStart = tf.tensor1d(starts, 'int32');
    this.cache.advance(parents, seqLen);
    const past = {cache: this.cache, rows: this.cache.rowTable()};
    return this.model.llama.forward(embeds, {positions, keyStart}, past);
  }
}
