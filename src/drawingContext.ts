import tf from '#tfjs';
import {pipelineTransform} from './data/preprocess.js';
import {encodePictures} from './encodePictures.js';
import {EmuError} from './errors.js';
import {type Item, picturesOf, promptItems} from './items.js';
import type {ModelInMode} from './loadModes.js';
import {regressImages} from './model/regressImages.js';
import {traced} from './model/trace.js';
import {drawingPrompt} from './text/prompt.js';
import type {EmuConfig} from './weights/config.js';

/**
 * What a picture is drawn after: the embeddings regressed after the prompt, and with guidance after the empty
 * prompt: [2 or 1, N, C]. Throws EmuError (usage) for a prompt that leaves them no room.
 */
export function drawingContext(
  {model, tokenizer}: ModelInMode,
  {causalFormer, llama, vision}: EmuConfig,
  items: readonly Item[],
  guidance: number,
): {prompt: string; context: tf.Tensor3D} {
  const {numTokens} = causalFormer;
  const prompt = drawingPrompt(promptItems(items), numTokens);
  const empty = drawingPrompt([], numTokens);
  const prompts = guidance > 1 ? [prompt, empty] : [prompt];
  const ids = prompts.map((text) => tokenizer.encode(text, {bos: true}));
  const limit = llama.contextLength - numTokens;
  if (ids[0]!.length > limit)
    throw new EmuError(
      `the prompt has ${ids[0]!.length} tokens, and ${limit} fit beside the picture's ${numTokens}; use fewer pictures or less text`,
      {code: 'context_full', reason: 'usage'},
    );
  const pixels = picturesOf(items).map((picture) => pipelineTransform(picture, vision.imageSize));
  const context = tf.tidy(() => {
    const imageEmbeds = encodePictures(model, vision, pixels);
    return traced('target_image_embeds', regressImages(model, ids, tokenizer.ids, imageEmbeds));
  });
  return {prompt, context};
}
