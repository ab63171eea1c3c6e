// The named intermediate tensors of a forward pass, in float32.
import tf from '#tfjs';
import {concatenated} from './concatenated.js';
import {encodePictures} from './encodePictures.js';
import type {ModelInMode} from './loadModes.js';
import {countingPositions} from './model/llama.js';
import {collectTrace, collectTraceOf} from './model/trace.js';
import type {Prepared} from './preparePrompt.js';
import type {EmuConfig} from './weights/config.js';

export interface TraceTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Of one pass over the prompt and the tokens that follow it. */
export function traceText(
  {model, tokenizer}: ModelInMode,
  config: EmuConfig,
  prepared: Prepared,
  following: readonly number[],
): Map<string, TraceTensor> {
  const ids = [...prepared.ids, ...following];
  const found = new Map<string, TraceTensor>();
  const keep = (name: string, tensor: tf.Tensor) => {
    const [batch = 1, ...rest] = tensor.shape;
    const data = tensor.dataSync() as Float32Array;
    const before = found.get(name);
    // Pictures are encoded one after the other: their tensors, put together, are those of a batch.
    found.set(
      name,
      before
        ? {shape: [before.shape[0]! + batch, ...rest], data: concatenated([before.data, data])}
        : {shape: tensor.shape, data: Float32Array.from(data)},
    );
  };
  collectTrace(keep, () =>
    tf.tidy(() => {
      const imageEmbeds = encodePictures(model, config.vision, prepared.pixels);
      const embeds = model.embedPrompt([ids], tokenizer.ids.image, imageEmbeds);
      const positions = countingPositions(1, ids.length);
      const hidden = model.llama.forward(embeds, {positions});
      model.llama.logits(hidden);
      model.llama.regress(hidden);
    }),
  );
  return found;
}

/** Of one drawing. Of the UNet, whose passes are many, the last one's. */
export async function traceDrawing(draw: () => Promise<void>): Promise<Map<string, TraceTensor>> {
  const found = new Map<string, TraceTensor>();
  const keep = (name: string, tensor: tf.Tensor) => {
    if (!/^(target_image_embeds|latents|unet\.|vae\.)/.test(name)) return;
    found.set(name, {shape: tensor.shape, data: Float32Array.from(tensor.dataSync())});
  };
  await collectTraceOf(keep, draw);
  return found;
}
