// The first 20 steps of pretraining with products in bfloat16: how far their losses are from PyTorch's float32.
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {selectBackend} from '../../src/kernels/backend.js';
import {loadAddon} from '../../src/kernels/native/addon.js';
import {goldenCheckpoint} from '../support/goldenModel.js';
import {start, whole} from '../support/pretrainGolden.js';
import {skip} from '../support/skip.js';
import {checkCurve} from '../support/trainingGolden.js';

const test = suite('training goldens: bf16');

if (!whole || !goldenCheckpoint('pretrain') || !loadAddon()?.isas().includes('avx512bf16')) {
  skip(test, 'losses in bf16', 'the goldens or AVX-512 BF16 are missing');
} else {
  // Measured: at most 2.6 % off (steps 5 to 13: Adam's first updates take small gradients' noise for
  // large), 0.7 % at step 20.
  test('products in bf16 keep the losses within 4 %', () => {
    selectBackend({backend: 'native', compute: 'bf16'});
    const run = start();
    const {batches, curve} = whole!.json;
    let furthest = 0;
    for (let number = 1; number <= 20; number++) {
      const found = run.step(number, run.split(batches[number - 1], 4));
      for (const name of ['ce', 'mse', 'total'] as const) {
        checkCurve(curve, name, number, found[name], [[20, 4e-2]]);
        furthest = Math.max(furthest, Math.abs(found[name] / curve[name][number - 1] - 1));
      }
    }
    assert.ok(furthest > 1e-4, `off by ${furthest}: was anything rounded?`);
    run.dispose();
    selectBackend({backend: 'native'});
  });
}

test.run();
