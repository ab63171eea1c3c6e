import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {AnswerTrie} from '../../../src/text/answerTrie.js';
import {testOnMetrics} from '../../support/metricsData.js';

interface TrieFile {
  readonly cases: readonly {
    readonly name: string;
    readonly sequences: readonly number[][];
    readonly len: number;
    readonly queries: readonly {readonly prefix: number[]; readonly allowed: number[]}[];
    readonly iter: readonly number[][];
  }[];
}

const test = suite('answer trie');

testOnMetrics<TrieFile>(test, 'equals the official code', 'vqa/answerability-trie.json', (json) => {
  for (const {name, sequences, len, queries, iter} of json.cases) {
    const trie = new AnswerTrie(sequences);
    assert.is(trie.size, len, name);
    for (const {prefix, allowed} of queries)
      assert.equal(trie.allowed(prefix), allowed, `${name}: ${prefix}`);
    assert.equal([...trie], iter, name);
  }
});

test('keeps the order in which tokens came, and takes tokens of any kind', () => {
  const trie = new AnswerTrie<string | number>([[9, 'b'], [2], [9, 'a', 'c']]);
  assert.equal(trie.allowed([]), [9, 2]);
  assert.equal(trie.allowed([9]), ['b', 'a']);
});

test('nothing is allowed where there is nothing', () => {
  const trie = new AnswerTrie();
  assert.is(trie.size, 0);
  assert.equal(trie.allowed([]), []);
  assert.equal(trie.allowed([1]), []);
});

test.run();
