import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {ModelError} from '../../src/errors.js';
import {loadTokenizer} from '../../src/text/tokenizer.js';
import {splitWords, WordTokenizer} from '../../src/text/wordTokenizer.js';

const test = suite('wordTokenizer');
const specials = ['[PAD]', '<unk>', '<s>', '</s>', '[IMG]', '[/IMG]', '<image>'];
const tokens = [
  ...specials,
  ...['[USER]', '[ASSISTANT]', 'two', 'dogs', '.', ',', '?', 'what', "'", 's', 'the', 't', '-'],
  ...['shirt', 'école', '12', '(', ')', ':'],
];
const words = new WordTokenizer(tokens);
const idOf = (token: string) => tokens.indexOf(token);

test('special ids are found by name', () => {
  assert.equal(words.ids, {
    unk: 1,
    bos: 2,
    eos: 3,
    pad: 0,
    img: 4,
    endImg: 5,
    image: 6,
    user: 7,
    assistant: 8,
  });
  assert.is(words.vocabSize, tokens.length);
  const without = new WordTokenizer(specials);
  assert.is(without.ids.user, undefined);
});

test('words, digits and signs; lower case; composed letters', () => {
  assert.equal(splitWords("What's THE T-shirt, 12?"), [
    ...['what', "'", 's', 'the', 't', '-', 'shirt', ',', '12', '?'],
  ]);
  assert.equal(splitWords('E\u0301COLE 😀'), ['école', '😀']);
  assert.equal(splitWords(' \n '), []);
});

test('encodes with special tokens in place', () => {
  assert.equal(
    words.encode('[USER]: [IMG]<image><image>[/IMG]Two  dogs. [ASSISTANT]:'),
    ['<s>', '[USER]', ':', '[IMG]', '<image>', '<image>', '[/IMG]', 'two', 'dogs', '.']
      .concat(['[ASSISTANT]', ':'])
      .map(idOf),
  );
  assert.equal(words.encode('two zebras', {bos: false}), [idOf('two'), words.ids.unk]);
  assert.equal(words.encode(''), [words.ids.bos]);
});

test('decodes with English spacing, streaming alike', () => {
  for (const text of ['two dogs.', "what's the t-shirt?", 'the (two) dogs, 12', '']) {
    const ids = words.encode(text);
    assert.is(words.decode(ids, {skipSpecial: true}), text);
    const decoder = words.decoder();
    assert.is(ids.map((id) => decoder.push(id)).join('') + decoder.flush(), text);
  }
  assert.is(words.decode(words.encode('two</s>')), '<s> two </s>');
});

test('an id outside the vocabulary is refused', () => {
  assert.throws(() => words.decode([tokens.length]), /expected ids from 0/);
});

test('a vocabulary without its special tokens, or with a word twice, is refused', () => {
  assert.throws(
    () => new WordTokenizer(['a'], 'here.json'),
    (error: unknown) => error instanceof ModelError && /lacks <unk>/.test(error.message),
  );
  assert.throws(() => new WordTokenizer([...specials, 'a', 'a']), /there twice/);
});

test('loadTokenizer takes vocab.json by folder or name, and says what is wrong', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'emu-vocabulary-'));
  try {
    assert.throws(() => loadTokenizer({path: folder, mode: 'instruct'}), /holds no vocabulary/);
    assert.throws(() => loadTokenizer({path: `${folder}/no`, mode: 'instruct'}), /no such file/);
    const file = path.join(folder, 'vocab.json');
    writeFileSync(file, JSON.stringify({tokens}));
    for (const place of [folder, file]) {
      const loaded = loadTokenizer({path: place, mode: 'instruct'});
      assert.equal(loaded.encode('two dogs'), words.encode('two dogs'));
    }
    const broken: [string | Buffer, RegExp][] = [
      ['{"tokens": [1]}', /not a LLaMA vocabulary/],
      ['{"tokens"', /not a vocabulary/],
      ['', /holds no pieces/],
      [Buffer.from([0x0a, 0x7f, 0x00]), /needs 127 bytes at 2, has 1/],
      [Buffer.from([0x0b]), /unknown wire type 3/],
    ];
    for (const [content, message] of broken) {
      writeFileSync(file, content);
      assert.throws(
        () => loadTokenizer({path: file, mode: 'instruct'}),
        (error: unknown) => error instanceof ModelError && message.test(error.message),
        `${content}`,
      );
    }
  } finally {
    rmSync(folder, {recursive: true});
  }
});

test.run();
