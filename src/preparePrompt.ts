import type {Picture} from './data/image.js';
import {processImage} from './data/preprocess.js';
import {type Item, picturesOf, promptItems} from './items.js';
import type {ModelInMode} from './loadModes.js';
import {buildPrompt, type PromptItem} from './text/prompt.js';
import type {TextOptions} from './textOptions.js';
import type {EmuConfig} from './weights/config.js';

/** A prompt as the model reads it. */
export interface PromptTokens {
  readonly prompt: string;
  readonly ids: readonly number[];
}

/** A prompt ready for the model. */
export interface Prepared extends PromptTokens {
  readonly pixels: readonly Float32Array[];
}

/** The prompt that a request becomes. */
export function promptTokens(
  {mode, tokenizer}: ModelInMode,
  {causalFormer}: EmuConfig,
  items: readonly PromptItem[],
  {task, system, prompt: instruction}: TextOptions,
): PromptTokens {
  const prompt = buildPrompt({
    task,
    mode,
    items,
    numImageTokens: causalFormer.numTokens,
    ...(system === undefined ? {} : {system}),
    ...(instruction === undefined ? {} : {prompt: instruction}),
  });
  return {prompt, ids: tokenizer.encode(prompt, {bos: true})};
}

/** That with its pictures. `seen`: pictures that are processed already. */
export function preparePrompt(
  model: ModelInMode,
  config: EmuConfig,
  items: readonly Item[],
  options: TextOptions,
  seen = new Map<Picture, Float32Array>(),
): Prepared {
  const pixels = picturesOf(items).map((picture) => {
    const own = seen.get(picture) ?? processImage(picture, config.vision.imageSize);
    seen.set(picture, own);
    return own;
  });
  return {...promptTokens(model, config, promptItems(items), options), pixels};
}
