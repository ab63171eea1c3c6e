import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {clipScores} from '../../../src/eval/metrics/clipScore.js';
import {throwsEmuError} from '../../support/errors.js';
import {isNear, testOnMetrics} from '../../support/metricsData.js';

interface FidFile {
  readonly clip: {
    readonly image_feats: readonly number[][];
    readonly text_feats: readonly number[][];
    readonly cosine: readonly number[];
    readonly mean_cosine: number;
    readonly 'clipscore_w2.5': readonly number[];
    readonly torchmetrics_style_mean_max0_100cos: number;
  };
}

const test = suite('CLIP score');

testOnMetrics<FidFile>(test, 'equals the reference', 'fid/fid.json', ({clip}) => {
  const found = clipScores(clip.image_feats, clip.text_feats);
  for (const [i, value] of clip.cosine.entries())
    assert.ok(isNear(found.cosines[i]!, value, 1e-9), `pair ${i}`);
  for (const [i, value] of clip['clipscore_w2.5'].entries())
    assert.ok(isNear(found.clipScores[i]!, value, 1e-9), `pair ${i}`);
  assert.ok(isNear(found.meanCosine, clip.mean_cosine, 1e-9));
  assert.ok(isNear(found.percent, clip.torchmetrics_style_mean_max0_100cos, 1e-9));
});

test('opposite pairs score 0', () => {
  const found = clipScores([[1, 0]], [[-3, 0]]);
  assert.is(found.meanCosine, -1);
  assert.is(found.meanClipScore, 0);
  assert.is(found.percent, 0);
});

test('names what cannot be scored', () => {
  throwsEmuError(() => clipScores([], []), /at least one item/);
  throwsEmuError(() => clipScores([[1]], []), /same length, got 1 and 0/);
  throwsEmuError(() => clipScores([[1, 2]], [[1]]), /vectors of one length, got 2 and 1/);
  throwsEmuError(() => clipScores([[0, 0]], [[1, 0]]), /not all zero/);
});

test.run();
