// How likely a prompt goes on in given ways: what candidates are ranked by. The prompt is seen once.
// B continuations of a chunk, T tokens of the longest of them, C hidden size, V vocabulary.
import tf from '#tfjs';
import {softmaxCrossEntropy} from '../kernels/index.js';
import type {KvCache} from './kvCache.js';
import {countingPositions, type Llama} from './llama.js';

/** Continuations that are scored together. */
const CHUNK = 32;
/** A place without a token: it costs nothing. */
const IGNORED = -100;

/**
 * Of each continuation the sum of its tokens' cross entropies after the prompt [1, T, C], which stays the
 * caller's. A continuation has at least one token.
 */
export function scoreContinuations(
  llama: Llama,
  prompt: tf.Tensor3D,
  continuations: readonly (readonly number[])[],
): number[] {
  const {hiddenSize} = llama.config;
  const length = prompt.shape[1];
  const longest = Math.max(...continuations.map((tokens) => tokens.length));
  const rows = Math.min(CHUNK, continuations.length);
  const cache = llama.newCache(rows, length + longest);
  try {
    const first = tf.tidy(() => {
      cache.advance([0], length);
      const past = {cache, rows: cache.rowTable()};
      const hidden = llama.forward(prompt, {positions: countingPositions(1, length)}, past);
      return llama.logits(tf.slice(hidden, [0, length - 1, 0], [1, 1, hiddenSize]));
    });
    const sums: number[] = [];
    for (let from = 0; from < continuations.length; from += CHUNK) {
      cache.rewind(length);
      sums.push(...scoreChunk(llama, cache, first, continuations.slice(from, from + CHUNK)));
    }
    first.dispose();
    return sums;
  } finally {
    cache.dispose();
  }
}

/** `first`: scores of the first token after the prompt [1, 1, V]. */
function scoreChunk(
  llama: Llama,
  cache: KvCache,
  first: tf.Tensor3D,
  chunk: readonly (readonly number[])[],
): number[] {
  const batch = chunk.length;
  const seen = Math.max(...chunk.map((tokens) => tokens.length)) - 1;
  const start = cache.length;
  return tf.tidy(() => {
    const scores = [tf.tile(first, [batch, 1, 1])];
    if (seen > 0) {
      // Padded on the right: what comes after a continuation's end changes nothing before it.
      const inputs = chunk.map((tokens) => padded(tokens.slice(0, -1), seen, 0));
      cache.advance(
        chunk.map(() => 0),
        seen,
      );
      const past = {cache, rows: cache.rowTable()};
      const positions = countingPositions(batch, seen, start);
      const embeds = llama.embed(tf.tensor2d(inputs, [batch, seen], 'int32'));
      scores.push(llama.logits(llama.forward(embeds, {positions}, past)));
    }
    const logits = tf.concat(scores, 1); // [B, T, V]
    const targets = chunk.map((tokens) => padded(tokens, seen + 1, IGNORED));
    const {vocabSize} = llama.config;
    const flat = tf.reshape<tf.Rank.R2>(logits, [batch * (seen + 1), vocabSize]);
    const losses = softmaxCrossEntropy(flat, tf.tensor1d(targets.flat(), 'int32'), IGNORED);
    return Array.from(tf.sum(tf.reshape(losses, [batch, seen + 1]), 1).dataSync());
  });
}

function padded(tokens: readonly number[], length: number, filler: number): number[] {
  return [...tokens, ...new Array<number>(length - tokens.length).fill(filler)];
}
