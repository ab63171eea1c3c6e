// Visual embeddings as the official code regresses them: the whole sequence once more for each.
import tf from '#tfjs';
import type {EmuModel} from '../../src/model/emu.js';
import {countingPositions} from '../../src/model/llama.js';

/** N embeddings [1, N, C] after the embeddings of a prompt [1, T, C], with N passes and no cache. */
export function regressByFullPasses({llama, config}: EmuModel, prompt: tf.Tensor3D): tf.Tensor3D {
  const {hiddenSize} = llama.config;
  const regressed: tf.Tensor3D[] = [];
  while (regressed.length < config.causalFormer.numTokens) {
    const inputs = tf.concat([prompt, ...regressed], 1) as tf.Tensor3D;
    const seqLen = inputs.shape[1];
    const hidden = llama.forward(inputs, {positions: countingPositions(1, seqLen)});
    const last = tf.slice(hidden, [0, seqLen - 1, 0], [1, 1, hiddenSize]);
    regressed.push(llama.regress(last));
  }
  return tf.concat(regressed, 1) as tf.Tensor3D;
}
