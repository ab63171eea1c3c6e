// Against the official tokenizer's ids and texts (transformers 4.31.0, goldens/tokenizer.json).
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {loadTokenizer, padBatch, type Tokenizer} from '../../src/text/tokenizer.js';
import {goldenPath, goldens} from '../support/goldens.js';
import {skip} from '../support/skip.js';

interface Row {
  text: string;
  ids: number[];
  ids_no_special: number[];
  decoded: string;
  decoded_keep: string;
}
interface Padded {
  input_ids: number[][];
  attention_mask: number[][];
}
interface Variant {
  len: number;
  ids: Record<string, number>;
  rows: Row[];
  decode_only: {ids: number[]; decoded: string; decoded_keep: string}[];
  batch: {texts: string[]; left: Padded; right: Padded};
}

const test = suite('sentencePiece');
const golden = goldens('tokenizer')?.json as Record<'pretrain' | 'instruct', Variant> | undefined;
const official = goldenPath('llama_config');
const sources: [string, string | undefined][] = [
  ['packaged vocabulary', undefined],
  ...(official
    ? ['tokenizer.model', 'tokenizer.json'].map((name): [string, string] => [
        name,
        `${official}/${name}`,
      ])
    : []),
];
if (!official) skip(test, 'official vocabulary files', 'no goldens/llama_config');

function load(path: string | undefined, mode: 'pretrain' | 'instruct'): Tokenizer {
  return loadTokenizer(path === undefined ? {mode} : {path, mode});
}

/** Text of the ids one by one; no delta may end in half a character. */
function streamed(tokenizer: Tokenizer, ids: readonly number[]): string {
  const decoder = tokenizer.decoder();
  return ids.map((id) => decoder.push(id)).join('') + decoder.flush();
}

if (!golden) skip(test, 'golden rows', 'no goldens/tokenizer.json');
else
  for (const [source, path] of sources)
    for (const mode of ['pretrain', 'instruct'] as const) {
      const variant = golden[mode];
      test(`${source}, ${mode}: special ids`, () => {
        const tokenizer = load(path, mode);
        const {ids} = tokenizer;
        assert.is(tokenizer.vocabSize, variant.len);
        const expected = variant.ids;
        assert.is(ids.unk, expected['<unk>']);
        assert.is(ids.bos, expected['<s>']);
        assert.is(ids.eos, expected['</s>']);
        assert.is(ids.pad, expected['[PAD]']);
        assert.is(ids.img, expected['[IMG]']);
        assert.is(ids.endImg, expected['[/IMG]']);
        assert.is(ids.image, expected['<image>']);
        // An unknown token's id is that of <unk>.
        assert.is(ids.user ?? ids.unk, expected['[USER]']);
        assert.is(ids.assistant ?? ids.unk, expected['[ASSISTANT]']);
      });

      test(`${source}, ${mode}: ${variant.rows.length} texts`, () => {
        const tokenizer = load(path, mode);
        for (const row of variant.rows) {
          const what = JSON.stringify(row.text);
          assert.equal(tokenizer.encode(row.text), row.ids, what);
          assert.equal(tokenizer.encode(row.text, {bos: false}), row.ids_no_special, what);
          assert.is(tokenizer.decode(row.ids, {skipSpecial: true}), row.decoded, what);
          assert.is(tokenizer.decode(row.ids), row.decoded_keep, what);
          assert.is(streamed(tokenizer, row.ids), row.decoded, what);
        }
      });

      test(`${source}, ${mode}: ${variant.decode_only.length} id sequences`, () => {
        const tokenizer = load(path, mode);
        for (const {ids, decoded, decoded_keep} of variant.decode_only) {
          assert.is(tokenizer.decode(ids, {skipSpecial: true}), decoded, `${ids}`);
          assert.is(tokenizer.decode(ids), decoded_keep, `${ids}`);
          assert.is(streamed(tokenizer, ids), decoded, `${ids}`);
        }
      });

      test(`${source}, ${mode}: padding`, () => {
        const tokenizer = load(path, mode);
        const rows = variant.batch.texts.map((text) => tokenizer.encode(text));
        for (const side of ['left', 'right'] as const) {
          const {ids, attentionMask} = padBatch(rows, tokenizer.ids.pad, side);
          assert.equal(ids, variant.batch[side].input_ids);
          assert.equal(attentionMask, variant.batch[side].attention_mask);
        }
      });
    }

test('no delta is half a character', () => {
  const tokenizer = load(undefined, 'instruct');
  const text = 'a😀b 👩‍👩‍👧 日本語 ﷺ end';
  const decoder = tokenizer.decoder();
  const deltas = tokenizer.encode(text).map((id) => decoder.push(id));
  assert.is(deltas.join('') + decoder.flush(), text);
  for (const delta of deltas) assert.not.match(delta, /\ufffd/);
  // The three first bytes of an emoji say nothing until the fourth is there.
  const emoji = tokenizer.encode('😀', {bos: false}).slice(1);
  const bytes = tokenizer.decoder();
  assert.equal(
    emoji.map((id) => bytes.push(id)),
    ['', '', '', '😀'],
  );
});

test('bytes that are no UTF-8', () => {
  const tokenizer = load(undefined, 'pretrain');
  // Byte b is id b + 3. Overlong, surrogate and too large sequences: each byte by itself.
  for (const bytes of [
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xff],
    [0x80, 0xbf],
  ]) {
    const ids = bytes.map((byte) => byte + 3);
    assert.is(tokenizer.decode(ids), '\ufffd'.repeat(bytes.length), `${bytes}`);
    assert.is(streamed(tokenizer, ids), '\ufffd'.repeat(bytes.length), `${bytes}`);
  }
});

test('lone surrogates become U+FFFD', () => {
  const tokenizer = load(undefined, 'pretrain');
  assert.equal(tokenizer.encode('a\ud800b'), tokenizer.encode('a\ufffdb'));
});

test('random ids: streaming equals decoding', () => {
  const tokenizer = load(undefined, 'instruct');
  let state = 7;
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let round = 0; round < 300; round++) {
    const ids = Array.from({length: 1 + random(20)}, () =>
      random(3) === 0 ? 3 + random(256) : random(tokenizer.vocabSize),
    );
    assert.is(streamed(tokenizer, ids), tokenizer.decode(ids, {skipSpecial: true}), `${ids}`);
  }
});

test('an id outside the vocabulary is refused', () => {
  const tokenizer = load(undefined, 'pretrain');
  assert.throws(() => tokenizer.decode([32004]), /expected ids from 0 to 32003, got 32004/);
  assert.throws(() => tokenizer.decode([-1]), /got -1/);
  assert.is(load(undefined, 'instruct').decode([32004]), '[USER]');
});

test('a megabyte does not take quadratic time', () => {
  const tokenizer = load(undefined, 'pretrain');
  const seconds = (text: string): number => {
    // Processor time: other work on the machine does not count.
    const started = process.cpuUsage();
    const ids = tokenizer.encode(text, {bos: false});
    const elapsed = process.cpuUsage(started).user / 1e6;
    assert.is(tokenizer.decode(ids), text);
    return elapsed;
  };
  seconds('warm up '.repeat(1000));
  // Quadratic merging of a megabyte without spaces would take minutes.
  const times = {
    prose: seconds('the quick brown fox, jumps over 13 lazy dogs. '.repeat(22_000).trimEnd()),
    oneWord: seconds('abracadabra'.repeat(95_000)),
    oneLetter: seconds('a'.repeat(300_000)),
    emoji: seconds('😀'.repeat(75_000)),
    spaces: seconds(`${' '.repeat(300_000)}x`),
  };
  for (const [name, time] of Object.entries(times)) assert.ok(time < 10, `${name}: ${time} s`);
});

test.run();
