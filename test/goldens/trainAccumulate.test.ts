// The first 20 steps of pretraining in two parts each, against PyTorch's curves and steps in one part.

import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import type tf from '#tfjs';
import {goldenCheckpoint, isReference, onEveryBackend} from '../support/goldenModel.js';
import {goldens} from '../support/goldens.js';
import {deltaLimits, lossLimits, normLimits, start, whole} from '../support/pretrainGolden.js';
import {skip} from '../support/skip.js';
import {checkCurve, checkGradients, checkSnapshot} from '../support/trainingGolden.js';

const test = suite('training goldens: accumulation');
const split = goldens('train_accumulate');

if (!whole || !split || !goldenCheckpoint('pretrain')) {
  skip(test, 'accumulation over micro-batches', 'the goldens are not in this clone');
} else {
  onEveryBackend(test, 'a step in two parts is the step in one', () => {
    const {curve, snapshots} = split.json;
    const parts = start();
    // On the reference the golden's own numbers are the only check.
    const unsplit = isReference() ? undefined : start();
    for (let number = 1; number <= curve.ce.length; number++) {
      const batch = whole!.json.batches[number - 1];
      const check = (grads: Record<string, tf.Tensor>) => {
        if (number === 1) checkGradients(grads, split);
      };
      const found = parts.step(number, parts.split(batch, 2), check);
      const one = unsplit?.step(number, unsplit.split(batch, 4)) ?? found;
      for (const name of ['ce', 'mse', 'total'] as const) {
        checkCurve(curve, name, number, found[name], lossLimits);
        assert.ok(Math.abs(found[name] - one[name]) < 1e-5, `step ${number}: ${name} in one`);
      }
      checkCurve(curve, 'grad_norm', number, found.norm, normLimits);
      assert.ok(Math.abs(found.norm - one.norm) < 1e-5 * one.norm, `step ${number}: norm in one`);
      const rateSum = parts.rateSum();
      checkSnapshot(number, parts.variables.all, parts.initial, {
        golden: split,
        snapshots,
        deltaLimits,
        rateSum,
      });
    }
    parts.dispose();
    unsplit?.dispose();
  });
}

test.run();
