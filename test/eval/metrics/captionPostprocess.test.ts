import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {cleanCaption} from '../../../src/eval/metrics/caption/postprocess.js';
import {metricsJson} from '../../support/metricsData.js';
import {skip} from '../../support/skip.js';

const test = suite('captionPostprocess');

const rows = metricsJson<{raw: string; caption: string}[]>('caption/postprocess.json');
if (!rows) skip(test, 'golden captions', 'no caption/postprocess.json');
else
  test('golden captions', () => {
    for (const {raw, caption} of rows) assert.is(cleanCaption(raw), caption, JSON.stringify(raw));
  });

test('the first sentence of the first line, in lower case', () => {
  assert.is(cleanCaption('A Dog. A cat.\nMore'), 'a dog');
  assert.is(cleanCaption(' A dog..'), ' a dog.');
  assert.is(cleanCaption('\nA dog'), '');
});

test.run();
