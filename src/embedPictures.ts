// Pictures as vectors: what the vision encoder makes of each, on average over its tokens.
// n pictures, C the encoder's width.
//
// Retrieval of examples (RICES; Flamingo, appendix on in-context evaluation) compares features of the frozen
// vision encoder. Of emu-mini's, the mean over all tokens finds drawings of the same thing by another artist best
// (docs/evaluation.md): better than the class token, which the causal transformer reads as one of many, and than
// the causal transformer's output. It takes no part of the language model: a base and its instruction tuning
// share an index.
import tf from '#tfjs';
import type {EmuModel} from './model/emu.js';

/**
 * pixels n times [3, size, size] -> n vectors [C]. One picture after the other: in a batch the last bits would
 * depend on the others, and with them which of two examples is the more similar.
 */
export function embedPictures(model: EmuModel, pixels: readonly Float32Array[]): Float32Array[] {
  const {imageSize: size} = model.config.vision;
  return pixels.map((one) =>
    tf.tidy(() => {
      const states = model.visionStates(tf.tensor4d(one, [1, 3, size, size]));
      return Float32Array.from(tf.mean(states, 1).dataSync()); // [1, C]
    }),
  );
}

/** The mean of vectors [C], of length 1. */
export function meanDirection(vectors: readonly Float32Array[]): Float32Array {
  const sums = new Float64Array(vectors[0]!.length);
  for (const vector of vectors) for (const [i, value] of vector.entries()) sums[i]! += value;
  const length = Math.hypot(...sums) || 1;
  return Float32Array.from(sums, (sum) => sum / length);
}
