// Pictures in the language model's own terms: after [IMG] it regresses one visual embedding, sees it, and goes
// on to the next (paper 2.3; official code: generate_image of models/modeling_emu.py, which runs the whole
// sequence each time). B prompts, T tokens of the longest, N embeddings a picture, C hidden size.
import tf from '#tfjs';
import type {EmuModel} from './emu.js';
import {paddedPositions} from './llama.js';

/** Ids that prompts are padded with, and that stand for pictures in them. */
export interface PromptIds {
  readonly pad: number;
  readonly image: number;
}

/**
 * The N visual embeddings that follow each prompt: [B, N, C].
 * @param prompts ids of each, from BOS to [IMG]; their lengths may differ
 * @param imageEmbeds [I, N, C] of the pictures in them, in the order of their places
 */
export function regressImages(
  model: EmuModel,
  prompts: readonly (readonly number[])[],
  {pad, image}: PromptIds,
  imageEmbeds?: tf.Tensor3D,
): tf.Tensor3D {
  const {llama, config} = model;
  const {hiddenSize} = config.llama;
  const {numTokens} = config.causalFormer;
  const batch = prompts.length;
  const longest = Math.max(...prompts.map(({length}) => length));
  // Padded on the left, where the official code pads on the right: all rows end together, and no real
  // token's position or view is another.
  const starts = prompts.map(({length}) => longest - length);
  const ids = prompts.map((row, b) => [...new Array<number>(starts[b]!).fill(pad), ...row]);
  const rows = starts.map((_, b) => b);
  const cache = llama.newCache(batch, longest + numTokens - 1);
  try {
    return tf.tidy(() => {
      const keyStart = tf.tensor1d(starts, 'int32');
      /** inputs [B, T, C] -> what is regressed after the last of them [B, 1, C] */
      const next = (inputs: tf.Tensor3D): tf.Tensor3D =>
        tf.tidy(() => {
          const seqLen = inputs.shape[1];
          const first = cache.length;
          const positions = paddedPositions(starts, seqLen, first);
          // A new cache is one sequence, from which all go on.
          cache.advance(first === 0 ? rows.map(() => 0) : rows, seqLen);
          const past = {cache, rows: cache.rowTable()};
          const hidden = llama.forward(inputs, {positions, keyStart}, past);
          return llama.regress(tf.slice(hidden, [0, seqLen - 1, 0], [batch, 1, hiddenSize]));
        });
      const regressed = [next(model.embedPrompt(ids, image, imageEmbeds))];
      while (regressed.length < numTokens) regressed.push(next(regressed.at(-1)!));
      return tf.concat(regressed, 1);
    });
  } finally {
    cache.dispose();
  }
}
