// One prompt being continued by the language model: what generate.ts drives.
// B sequences (beams), T prompt tokens, C hidden size, V vocabulary.
import tf from '#tfjs';
import type {Decoder} from './generate.js';
import type {KvCache} from './kvCache.js';
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
    this.cache = llama.newCache(maxRows, prompt.shape[1] + maxNewTokens);
  }

  get vocabSize(): number {
    return this.llama.config.vocabSize;
  }

  /** Scores of the first new token [V]. */
  prefill(): Float32Array {
    return read(tf.tidy(() => this.logits(this.prompt, [0])));
  }

  /** Sequence i goes on from parents[i] with tokens[i]: scores of the next token [B, V]. */
  step(tokens: readonly number[], parents: readonly number[]): Float32Array {
    const logits = tf.tidy(() => {
      const ids = tf.tensor2d([...tokens], [tokens.length, 1], 'int32');
      return this.logits(this.llama.embed(ids), parents);
    });
    return read(logits);
  }

  /** embeds [B, T, C] -> scores after the last of them [B, V] */
  private logits(embeds: tf.Tensor3D, parents: readonly number[]): tf.Tensor2D {
    const [batch, seqLen] = embeds.shape;
    const positions = countingPositions(batch, seqLen, this.cache.length);
    this.cache.advance(parents, seqLen);
    const past = {cache: this.cache, rows: this.cache.rowTable()};
    const hidden = this.llama.forward(embeds, {positions}, past);
    const last = tf.slice(hidden, [0, seqLen - 1, 0], [batch, 1, -1]);
    return this.llama.logits(tf.squeeze<tf.Tensor2D>(last, [1]));
  }

  dispose(): void {
    this.cache.dispose();
    this.prompt.dispose();
  }
}

/** The values of a tensor, which is disposed. Outside tf.tidy: that looks for tensors in each of them. */
function read(tensor: tf.Tensor2D): Float32Array {
  const values = Float32Array.from(tensor.dataSync());
  tensor.dispose();
  return values;
}
