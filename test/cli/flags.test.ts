import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {textOptions} from '../../src/cli/flags.js';

const test = suite('cli/flags');

test('the defaults are the official ones', () => {
  const caption = textOptions({}, 'caption');
  assert.is(caption.numBeams, 5);
  assert.is(caption.lengthPenalty, 0);
  assert.is(caption.maxTokens, 512);
  assert.is(textOptions({}, 'vqa').maxTokens, 128);
  assert.is(textOptions({}, 'incontext').maxTokens, 128);
  assert.is(textOptions({}, 'video-qa').lengthPenalty, 1);
});

test('--greedy and --sample mean one beam', () => {
  assert.is(textOptions({greedy: true}, 'vqa').numBeams, 1);
  assert.is(textOptions({sample: true}, 'vqa').numBeams, 1);
});

test('--raw changes the prompt and keeps the lengths', () => {
  const raw = textOptions({raw: true}, 'caption');
  assert.is(raw.task, 'raw');
  assert.is(raw.maxTokens, 512);
  assert.is(textOptions({raw: true}, 'video-qa').lengthPenalty, 1);
});

test('flags that were not given are absent', () => {
  assert.not('seed' in textOptions({}, 'vqa'));
  assert.is(textOptions({seed: 3}, 'vqa').seed, 3);
});

test('numbers that cannot go together are wrong usage', () => {
  assert.throws(() => textOptions({'num-captions': 6}, 'caption'), /--num-captions 6.*beams \(5\)/);
  assert.throws(() => textOptions({'num-captions': 2, greedy: true}, 'caption'), /beams \(1\)/);
  assert.is(textOptions({'num-captions': 2, sample: true}, 'caption').numCaptions, 2);
  assert.throws(
    () => textOptions({'min-tokens': 20, 'max-tokens': 10}, 'vqa'),
    /--min-tokens 20.*--max-tokens \(10\)/,
  );
});

test.run();
