// The frames that stand for a video, as src/data/video.ts chooses them.
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {frameIndices} from '../../../src/data/video.js';
import {testOnMetrics} from '../../support/metricsData.js';

interface FrameFile {
  readonly cases: readonly {
    readonly num_frames: number;
    readonly num_segments: number;
    readonly indices: readonly number[];
  }[];
}

const test = suite('frames of a video');

testOnMetrics<FrameFile>(test, 'equal the official rule', 'videoqa/frame-index.json', ({cases}) => {
  for (const {num_frames, num_segments, indices} of cases)
    assert.equal(
      frameIndices(num_frames, num_segments),
      indices,
      `${num_segments} of ${num_frames}`,
    );
});

test.run();
