// What is regressed after [IMG], against the official generate_image: text, blended pictures, in context, and
// the empty prompt beside them.
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {regressImages} from '../../src/model/regressImages.js';
import {imagePlaceholder} from '../../src/text/prompt.js';
import {
  closeTo,
  goldenCheckpoint,
  goldenPixels,
  loadGoldenModel,
  onEveryBackend,
} from '../support/goldenModel.js';
import {goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';

const test = suite('generate_image goldens');
const golden = goldens('generate_image');
const pixels = goldens('pixels_tiny');

interface Scene {
  readonly inputs: readonly string[];
  readonly guidance_scale: number;
  readonly last_step_input_ids: readonly (readonly number[])[];
}

const isPicture = (input: string) => /\.(png|jpe?g)$/.test(input);

if (!golden || !pixels || !goldenCheckpoint('pretrain')) {
  skip(test, 'embeddings regressed after a prompt', 'the goldens are not in this clone');
} else {
  for (const [name, scene] of Object.entries(golden.json as Record<string, Scene>))
    onEveryBackend(test, `${name}: embeddings regressed after a prompt`, () => {
      const {model, tokenizer, config, dispose} = loadGoldenModel('pretrain');
      const {numTokens} = config.causalFormer;
      const text = scene.inputs.map((input) =>
        isPicture(input) ? imagePlaceholder(numTokens) : input,
      );
      const prompts = [`${text.join('')}[IMG]`];
      if (scene.guidance_scale > 1) prompts.push('[IMG]');
      const ids = prompts.map((prompt) => tokenizer.encode(prompt, {bos: true}));
      const seen = scene.last_step_input_ids.map((row, i) => row.slice(0, ids[i]!.length));
      assert.equal(ids, seen, 'the same prompts');
      const images = scene.inputs.filter(isPicture);
      const before = tf.memory().numTensors;
      tf.tidy(() => {
        const embeds = images.length
          ? model.encodeImages(goldenPixels(pixels, undefined, images))
          : undefined;
        const regressed = regressImages(model, ids, tokenizer.ids, embeds);
        const key = `${name}.target_image_embeds`;
        const wanted = golden.get(key);
        assert.equal(regressed.shape, [...wanted.shape]);
        const tolerance = {atol: 2e-4, rtol: 1e-4, name: key};
        closeTo(regressed.dataSync(), wanted.data as Float32Array, tolerance);
      });
      assert.is(tf.memory().numTensors, before, 'tensors left behind');
      dispose();
    });
}

test.run();
