// Pictures to visual embeddings. I pictures, N embeddings of each, C hidden size.
import tf from '#tfjs';
import {concatenated} from './concatenated.js';
import type {EmuConfig, EmuModel} from './model/emu.js';

/** How large the activations of pictures encoded together may be: one picture of the released model's. */
const ENCODED_BYTES = 2 ** 23;

/**
 * [I, N, C], a few pictures at a time so that peak memory does not grow with their number. One that is there
 * several times is encoded once.
 */
export function encodePictures(
  model: EmuModel,
  vision: EmuConfig['vision'],
  all: readonly Float32Array[],
): tf.Tensor3D | undefined {
  if (all.length === 0) return undefined;
  const pixels = [...new Set(all)];
  if (pixels.length < all.length) {
    const places = all.map((one) => pixels.indexOf(one));
    return tf.tidy(() =>
      tf.gather(encodePictures(model, vision, pixels)!, tf.tensor1d(places, 'int32')),
    );
  }
  const {imageSize: size, patchSize, width, mlpRatio} = vision;
  const states = 4 * (size / patchSize) ** 2 * width * mlpRatio; // bytes of a picture in an MLP
  const atOnce = Math.max(1, Math.floor(ENCODED_BYTES / states));
  const parts = Array.from({length: Math.ceil(pixels.length / atOnce)}, (_, i) =>
    pixels.slice(i * atOnce, (i + 1) * atOnce),
  );
  return tf.tidy(() =>
    tf.concat(
      parts.map((part) =>
        tf.tidy(() =>
          model.encodeImages(tf.tensor4d(concatenated(part), [part.length, 3, size, size])),
        ),
      ),
    ),
  );
}
