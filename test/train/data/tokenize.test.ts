import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import type {Dataset, SamplePart} from '../../../src/data/dataset.js';
import {openLlava, openSharegpt} from '../../../src/data/datasets/conversations.js';
import {Random} from '../../../src/random.js';
import {loadTokenizer} from '../../../src/text/tokenizer.js';
import {makeBatch} from '../../../src/train/data/batch.js';
import {answerLabels} from '../../../src/train/data/labels.js';
import {
  type TokenizedSample,
  type TokenizeOptions,
  tokenizeSample,
} from '../../../src/train/data/tokenize.js';
import {folder, png, prepare, write, writeLines} from '../../data/datasets/support.js';
import {throwsEmuError} from '../../support/errors.js';
import {goldens} from '../../support/goldens.js';
import {skip} from '../../support/skip.js';
import {tokenizer} from './support.js';

const test = suite('tokenize');
const {ids: special} = tokenizer;

const options: TokenizeOptions = {numImageTokens: 3, contextLength: 40, labels: 'text'};
const text = (words: string): SamplePart => ({type: 'text', text: words});
const picture = (value: number): SamplePart => ({type: 'picture', pixels: Float32Array.of(value)});
const tokenize = (parts: SamplePart[], changes: object = {}) =>
  tokenizeSample({name: 's', parts, ...changes}, tokenizer, {...options, ...changes});

test('pictures are placeholders in the one text', () => {
  const {ids, pixels, labels} = tokenize([text('a 7'), picture(1), picture(2), text(' b</s>')]);
  assert.is(
    tokenizer.decode(ids).replaceAll(' ', ''),
    '<s>a7[IMG]<image><image><image>[/IMG][IMG]<image><image><image>[/IMG]b</s>',
  );
  assert.equal(
    pixels.map(([value]) => value),
    [1, 2],
  );
  const learned = ids.filter((_, i) => labels[i] !== -100);
  assert.equal(learned, [special.bos, ...tokenizer.encode('a 7 b', {bos: false}), special.eos]);
});

test('the cut never falls into a picture', () => {
  const parts = [text('a'), picture(1), text('b'), picture(2), text('7</s>')];
  // BOS a [IMG] 3 [/IMG] b [IMG] 3 [/IMG] 7 </s>
  for (let limit = 2; limit <= 16; limit++) {
    const {ids, pixels} = tokenize(parts, {contextLength: limit});
    const pictures = limit >= 13 ? 2 : limit >= 7 ? 1 : 0;
    const length = limit >= 13 ? Math.min(limit, 15) : limit >= 8 ? 8 : limit === 7 ? 7 : 2;
    assert.is(ids.length, length, `limit ${limit}`);
    assert.is(pixels.length, pictures, `limit ${limit}`);
    assert.is(ids.filter((id) => id === special.image).length, 3 * pictures);
  }
  assert.is(tokenize(parts, {maxTokens: 8}).ids.length, 8);
  assert.is(tokenize(parts, {maxTokens: 99}).ids.length, 15);
});

test('a sample in which nothing is learned is a bad one', () => {
  throwsEmuError(() => tokenize([text('')]), /^s: has nothing to learn in its first 40 tokens/);
  throwsEmuError(() => tokenize([picture(1)], {contextLength: 4}), /nothing to learn/);
  assert.is(tokenize([picture(1)]).pixels.length, 1);
  const turn = [text('[USER]: a b a b [ASSISTANT]: 7</s>')];
  const answers = {labels: 'answers', contextLength: 9} as const;
  throwsEmuError(() => tokenize(turn, answers), /nothing to learn in its first 9 tokens/);
  assert.is(tokenize(turn, {...answers, contextLength: 10}).ids.length, 10);
  throwsEmuError(() => tokenize([text('a <image> b')]), /has a text with <image> in it/);
});

test('answers are learned, in every turn, and their ends', () => {
  const ids = tokenizer.encode(
    'a [USER]: b [ASSISTANT]: 1 2</s> [USER]: a [ASSISTANT]: 3 . </s> b',
  );
  const labels = answerLabels(ids, special);
  const learned = tokenizer.encode('1 2</s>3.</s>', {bos: false});
  assert.equal(
    labels.filter((id) => id !== -100),
    learned,
  );
  labels.forEach((label, i) => {
    if (label !== -100) assert.is(label, ids[i]);
  });
});

const instruct = goldens('train_instruct')?.json;
const readers = 'conversations of the golden set: ids and labels';
if (!instruct) skip(test, readers, 'needs ../shared/goldens');
else
  test(readers, async () => {
    const llama = loadTokenizer({mode: 'instruct'});
    const place = '[IMG]<image><image><image><image><image><image><image><image>[/IMG]';
    for (const i of [0, 1, 2, 3, 4, 5, 6, 7]) write(`pool/${i}.png`, await png(i));
    const images = path.join(folder, 'pool');
    const tokenizeOptions: TokenizeOptions = {
      numImageTokens: 8,
      contextLength: 2048,
      labels: 'answers',
    };
    const rows: TokenizedSample[] = [];
    for (const [i, golden] of instruct.conversations.entries()) {
      const isVideo = golden.kind === 'video';
      const turns = (golden.turns as [string, string][]).flatMap(([question, answer]) => [
        {
          from: 'human',
          value: isVideo
            ? question.replace(place.repeat(3), '<video>')
            : question.replaceAll(place, '<image>'),
        },
        {from: 'gpt', value: answer},
      ]);
      const isText = golden.images.length === 0;
      const names = golden.images.map((image: number) => `${image}.png`);
      // The golden video shows three pictures of the pool: here it is one picture three times.
      const media = isText ? {} : isVideo ? {video: names[0]} : {image: names};
      const system = isText && golden.system ? [{from: 'system', value: golden.system}] : [];
      const file = writeLines(`golden/${i}.jsonl`, [
        {...media, conversations: [...system, ...turns]},
      ]);
      const dataset: Dataset = isText
        ? await openSharegpt({files: file})
        : await openLlava({files: file, images, frames: 3, prepare});
      const sample = await dataset.read(0, new Random(1));
      const row = tokenizeSample(sample, llama, tokenizeOptions);
      assert.equal(row.ids, golden.input_ids, golden.text);
      assert.equal(row.labels, golden.labels, golden.text);
      if (!isVideo)
        assert.equal(
          row.pixels.map(([value]) => value),
          golden.images,
        );
      rows.push(row);
    }
    assert.ok(rows.length > 20);
    for (const [s, golden] of instruct.batches.entries()) {
      const made = makeBatch(
        golden.rows.map((row: number) => [{...rows[row]!, pixels: []}]),
        llama,
        {imageSize: 1, isPacked: false},
      );
      assert.equal(made.ids, golden.input_ids);
      assert.equal(made.labels, golden.labels);
      assert.is(made.numLabels, instruct.curve.n_ce[s]);
    }
  });

const pretrain = goldens('train_pretrain')?.json;
const counts = 'batches of the golden set: ids and both counts';
if (!pretrain) skip(test, counts, 'needs ../shared/goldens');
else
  test(counts, () => {
    const llama = loadTokenizer({mode: 'pretrain'});
    const tokenizeOptions: TokenizeOptions = {
      numImageTokens: 8,
      contextLength: 2048,
      labels: 'text',
    };
    const placeholder = /\[IMG\](?:<image>){8}\[\/IMG\]/;
    const rows = pretrain.rows.map((golden: {text: string; input_ids: number[]}) => {
      const parts = golden.text
        .split(placeholder)
        .flatMap((said, i) => [...(i > 0 ? [picture(0)] : []), ...(said ? [text(said)] : [])]);
      const row = tokenizeSample({name: golden.text, parts}, llama, tokenizeOptions);
      assert.equal(row.ids, golden.input_ids, golden.text);
      return {...row, pixels: []};
    });
    for (const [s, golden] of pretrain.batches.entries()) {
      const made = makeBatch(
        golden.rows.map((row: number) => [rows[row]]),
        llama,
        {imageSize: 1, isPacked: false},
      );
      assert.equal(made.ids, golden.input_ids);
      assert.equal(
        made.lengths,
        golden.attention_mask.map((mask: number[]) => mask.reduce((sum, bit) => sum + bit, 0)),
      );
      assert.is(made.numLabels, pretrain.curve.n_ce[s]);
      assert.is(made.numPairs, pretrain.curve.n_reg[s]);
    }
  });

test.run();
