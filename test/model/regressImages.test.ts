// What is regressed with a cache against whole passes over everything so far.
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {regressImages} from '../../src/model/regressImages.js';
import {assertClose} from '../support/assertClose.js';
import {regressByFullPasses} from '../support/fullRegression.js';
import {onEveryBackend} from '../support/goldenModel.js';
import {randomEmu} from '../support/randomEmu.js';

const test = suite('regressed embeddings');

onEveryBackend(test, 'a cache gives what whole passes give, also beside a longer prompt', () => {
  tf.tidy(() => {
    const model = randomEmu();
    const special = {pad: 10, image: 13};
    const [short, long] = [
      [1, 11],
      [1, 4, 11, 13, 13, 13, 12, 7, 3, 11],
    ];
    const seen = tf.randomNormal<tf.Rank.R3>([1, 3, 8], 0, 1, 'float32', 5);
    const together = regressImages(model, [long!, short!], special, seen);
    assert.equal(together.shape, [2, 3, 8]);
    for (const [row, ids] of [long!, short!].entries()) {
      const pictures = row === 0 ? seen : undefined;
      const wanted = regressByFullPasses(model, model.embedPrompt([ids], special.image, pictures));
      const found = tf.slice(together, [row, 0, 0], [1, -1, -1]);
      const {shape} = wanted;
      const expected = {shape, data: wanted.dataSync()};
      assertClose(found, expected, {atol: 1e-4, rtol: 1e-4}, `row ${row}`);
    }
  });
});

test.run();
