// Against transformers 4.31.0 on random texts and ids (fixtures/tokenizer/make.py), also where the
// goldens are absent.
import {readFileSync} from 'node:fs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {loadTokenizer} from '../../src/text/tokenizer.js';

type Row = [string, number[], string, string, number[], string, string];

const test = suite('random texts');
const file = new URL('../../fixtures/tokenizer/cases.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as Record<'pretrain' | 'instruct', Row[]>;

for (const mode of ['pretrain', 'instruct'] as const)
  test(`${mode}: ${cases[mode].length} rows`, () => {
    const tokenizer = loadTokenizer({mode});
    for (const [text, ids, decoded, decodedKeep, other, otherDecoded, otherKeep] of cases[mode]) {
      assert.equal(tokenizer.encode(text), ids, JSON.stringify(text));
      assert.is(tokenizer.decode(ids, {skipSpecial: true}), decoded, JSON.stringify(text));
      assert.is(tokenizer.decode(ids), decodedKeep, JSON.stringify(text));
      assert.is(tokenizer.decode(other, {skipSpecial: true}), otherDecoded, `${other}`);
      assert.is(tokenizer.decode(other), otherKeep, `${other}`);
      const decoder = tokenizer.decoder();
      const streamed = other.map((id) => decoder.push(id)).join('') + decoder.flush();
      assert.is(streamed, otherDecoded, `${other}`);
    }
  });

test.run();
