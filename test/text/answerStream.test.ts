import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {AnswerStream} from '../../src/text/answerStream.js';
import {loadTokenizer} from '../../src/text/tokenizer.js';
import {strip} from '../../src/text/whitespace.js';

const test = suite('answerStream');
const tokenizer = loadTokenizer({mode: 'instruct'});

test('deltas are the stripped answer, none ends in whitespace or half a character', () => {
  for (const text of [
    '  two dogs 😀 run \n',
    'a  b',
    '',
    ' \n ',
    'x</s>',
    '\ufeff nbsp\u00a0 ',
    ' a\n\n b ',
  ]) {
    const ids = [...tokenizer.encode(text), tokenizer.ids.eos];
    for (const size of [1, 2, 3, ids.length]) {
      const stream = new AnswerStream(tokenizer);
      const deltas: string[] = [];
      for (let i = 0; i < ids.length; i += size) deltas.push(stream.push(ids.slice(i, i + size)));
      for (const delta of deltas) {
        assert.not.match(delta, /\ufffd/);
        assert.is(strip(`x${delta}`), `x${delta}`);
      }
      deltas.push(stream.end());
      assert.is(deltas.join(''), strip(tokenizer.decode(ids, {skipSpecial: true})), `${size}`);
    }
  }
});

test('a cut-off character comes out at the end', () => {
  const emoji = tokenizer.encode('a😀', {bos: false}).slice(0, -1);
  const stream = new AnswerStream(tokenizer);
  assert.is(stream.push(emoji), 'a');
  assert.is(stream.end(), '\ufffd'.repeat(3));
});

test("strip is Python's", () => {
  assert.is(strip('\x1c\x85 a\ufeff\u2003'), 'a\ufeff');
  assert.is(strip('\u200ba'), '\u200ba');
  assert.is(strip(' \t'), '');
});

test.run();
