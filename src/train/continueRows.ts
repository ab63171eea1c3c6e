// What a model in training says by itself: each row of a batch goes on before its last asked-for text.
import tf from '#tfjs';
import {continueGreedily} from '../model/continueGreedily.js';
import type {EmuModel} from '../model/emu.js';
import type {Tokenizer} from '../text/tokenizer.js';
import type {Batch} from './data/batch.js';
import {countPictures, splitRows} from './microBatches.js';
import type {SampleText} from './stage.js';

/** Where the row's last run of labelled tokens begins. */
function lastTextStart(labels: readonly number[]): number {
  let start = labels.findLastIndex((label) => label >= 0);
  while (start > 1 && labels[start - 1]! >= 0) start--;
  return start;
}

export async function continueRows(
  model: EmuModel,
  tokenizer: Tokenizer,
  batch: Batch,
  maxTokens: number,
): Promise<SampleText[]> {
  const {image} = tokenizer.ids;
  const {imageSize} = model.config.vision;
  const samples: SampleText[] = [];
  for (const {ids, labels, lengths, pixels} of splitRows(batch, 1, image, model.config)) {
    const start = lastTextStart(labels[0]!);
    if (start < 1) continue;
    const prompt = ids[0]!.slice(0, start);
    const text = (tokens: readonly number[]) => tokenizer.decode(tokens, {skipSpecial: true});
    // A picture after the text is not shown yet.
    const shown = countPictures([prompt], image, model.config);
    const seen = pixels.subarray(0, shown * 3 * imageSize ** 2);
    const embeds = tf.tidy(() =>
      model.embedPrompt(
        [prompt],
        image,
        shown === 0
          ? undefined
          : model.encodeImages(tf.tensor4d(seen, [shown, 3, imageSize, imageSize])),
      ),
    );
    const said = await continueGreedily(model.llama, embeds, tokenizer.ids, maxTokens);
    samples.push({
      prompt: text(prompt),
      expected: text(ids[0]!.slice(start, lengths[0]!)),
      said: text(said.slice(1)),
    });
  }
  return samples;
}
