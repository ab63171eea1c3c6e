// The first 50 steps of pretraining without weight decay of norms, biases and tables, against PyTorch's curves.
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {isMatrix} from '../../src/train/parameters.js';
import {goldenCheckpoint, onEveryBackend, stepsHere} from '../support/goldenModel.js';
import {follow, start, whole} from '../support/pretrainGolden.js';
import {skip} from '../support/skip.js';

const test = suite('training goldens: decay');

if (!whole || !goldenCheckpoint('pretrain')) {
  skip(test, 'pretraining without decay of tables', 'the goldens are not in this clone');
} else {
  const {json} = whole;

  onEveryBackend(test, 'pretraining without decay of norms, biases and tables', () => {
    const excluded = new Set<string>(json.no_decay_names_of_second_run);
    const run = start(isMatrix);
    for (const [name, value] of run.variables.all)
      assert.is(isMatrix(name, value), !excluded.has(name), name);
    follow(
      run,
      stepsHere(json.decay_excluded.curve.ce.length),
      json.decay_excluded,
      'decay_excluded.',
    );
    run.dispose();
  });
}

test.run();
