// One prompt being continued by the language model: what generate.ts drives.
// B sequences (beams), T prompt tokens, C hidden size, V vocabulary.
import * as tf from '@tensorflow/tfjs';
import type {Decoder} from './generate.js';
import {KvCache} from './kvCache.js';
import {countingPositions, type Llama} from './llama.js';

/** Continues `prompt` [1, T, C] (owned: disposed with the decoder) in up to `maxRows` sequences at once. */
export class LlamaDecoder implements Decoder {
  private readonly cache: KvCache;

  constructor(
    private readonly llama: Llama,
    private readonly prompt: tf.Tensor3D,
    maxRows: number,
    maxNewTokens: number,
  ) {
    const {layers, numHeads, hiddenSize} = llama.config;
    const capacity = prompt.shape[1] + maxNewTokens;
    this.cache = new KvCache(layers, maxRows, capacity, numHeads, hiddenSize / numHeads);
  }

  get vocabSize(): number {
    return this.llama.config.vocabSize;
  }

  /** Scores of the first new token [V]. */
  prefill(): Float32Array {
    return this.run(this.prompt, [0]);
  }

  /** Sequence i goes on from parents[i] with tokens[i]: scores of the next token [B, V]. */
  step(tokens: readonly number[], parents: readonly number[]): Float32Array {
    return tf.tidy(() => {
      const ids = tf.tensor2d([...tokens], [tokens.length, 1], 'int32');
      return this.run(this.llama.embed(ids), parents);
    });
  }

  private run(embeds: tf.Tensor3D, parents: readonly number[]): Float32Array {
    return tf.tidy(() => {
      const [batch, seqLen] = embeds.shape;
      const positions = countingPositions(batch, seqLen, this.cache.length);
      this.cache.advance(parents, seqLen);
      const past = {cache: this.cache, rows: this.cache.rowTable()};
      const hidden = this.llama.forward(embeds, {positions}, past);
      const last = tf.squeeze(tf.slice(hidden, [0, seqLen - 1, 0], [batch, 1, -1]), [1]);
      return Float32Array.from(this.llama.logits(last as tf.Tensor2D).dataSync());
    });
  }

  dispose(): void {
    this.cache.dispose();
    this.prompt.dispose();
  }
}
