// The pretraining objective over 200 steps against PyTorch's curves.

import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import tf from '#tfjs';
import {continueGreedily} from '../../src/model/continueGreedily.js';
import {goldenCheckpoint, onEveryBackend, stepsHere} from '../support/goldenModel.js';
import {follow, type GoldenText, start, whole} from '../support/pretrainGolden.js';
import {skip} from '../support/skip.js';
import {checkCurve, poolPixels} from '../support/trainingGolden.js';

const test = suite('training goldens: pretrain');

if (!whole || !goldenCheckpoint('pretrain')) {
  skip(test, 'pretraining: curves, updates, texts', 'the goldens are not in this clone');
} else {
  const {json} = whole;
  const known = new Set<string>(Object.values<string[]>(json.groups).flat());

  onEveryBackend(test, 'pretraining follows the curve', async () => {
    const run = start();
    const texts = async (wanted: readonly GoldenText[]) => {
      const {model, tokenizer} = run;
      for (const {prompt, image, kwargs, sequences} of wanted) {
        const ids = tokenizer.encode(prompt, {bos: true});
        const embeds = tf.tidy(() => {
          const pictures =
            image === null ? undefined : model.encodeImages(poolPixels(whole!, [image]));
          return model.embedPrompt([ids], tokenizer.ids.image, pictures);
        });
        const found = await continueGreedily(
          model.llama,
          embeds,
          tokenizer.ids,
          kwargs.max_new_tokens,
        );
        assert.equal(found, sequences[0], prompt);
      }
    };
    for (const name of run.variables.all.keys())
      assert.ok(known.has(name), `${name} is in a group`);
    await texts(json.greedy_before);
    const steps = stepsHere(json.schedule.steps);
    follow(run, steps, json);
    if (steps === json.schedule.steps) {
      await texts(json.greedy_after);
      const {ce, mse} = json.loss_of_batch_1_after_training;
      tf.tidy(() => {
        const {n_ce, n_reg} = json.curve;
        const [documents] = run.split(json.batches[0], 4);
        const terms = run.part(documents!, {text: n_ce[0], regression: n_reg[0]})()();
        checkCurve({ce: [ce], mse: [mse]}, 'ce', 1, terms.text!.dataSync()[0]!, [[1, 5e-3]]);
        checkCurve({ce: [ce], mse: [mse]}, 'mse', 1, terms.regression!.dataSync()[0]!, [[1, 5e-3]]);
      });
    }
    run.dispose();
  });
}

test.run();
