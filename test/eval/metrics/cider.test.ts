import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {cider} from '../../../src/eval/metrics/caption/cider.js';
import {NgramIndex} from '../../../src/eval/metrics/caption/ngrams.js';
import {SeededRandom} from '../../support/random.js';

const test = suite('cider');

function score(pairs: [candidate: string, references: string[]][]): readonly number[] {
  const index = new NgramIndex();
  const images = pairs.map(([candidate, references]) => ({
    candidate: index.of(candidate),
    references: references.map((reference) => index.of(reference)),
  }));
  return cider(images, index.count).perImage;
}

test('equal captions of two pictures', () => {
  const [first] = score([
    ['a b c d', ['a b c d']],
    ['w x y z', ['w x y z']],
  ]);
  assert.ok(Math.abs(first! - 10) < 1e-12);
});

test('words of every picture do not count', () => {
  const [first] = score([
    ['a', ['a b c d']],
    ['a', ['a x y z']],
  ]);
  assert.is(first, 0);
});

test('a difference in length costs by a bell curve of the pairs of words', () => {
  const [first] = score([
    ['a b', ['a b c d e']],
    ['x', ['y']],
  ]);
  // One word and one pair in common: 2 of 5 words each of equal weight, 1 of 4 pairs.
  const cosines = 2 / Math.sqrt(2 * 5) + 1 / Math.sqrt(4);
  const expected = (10 / 4) * cosines * Math.exp(-(3 ** 2) / (2 * 6 ** 2));
  assert.ok(Math.abs(first! - expected) < 1e-12, `${first} ${expected}`);
});

test('n-grams of a large text have numbers of their own', () => {
  const random = new SeededRandom(3);
  const index = new NgramIndex();
  const seen = new Map<string, number>();
  for (let i = 0; i < 400; i++) {
    const words = Array.from({length: 12}, () => `w${random.below(40)}`);
    const {grams, times, ends, length} = index.of(words.join(' '));
    assert.is(length, 12);
    const counts = new Map<string, number>();
    for (let n = 1; n <= 4; n++)
      for (let at = 0; at + n <= words.length; at++) {
        const text = words.slice(at, at + n).join(' ');
        counts.set(text, (counts.get(text) ?? 0) + 1);
      }
    assert.is(grams.length, counts.size);
    assert.equal(
      ends,
      [1, 2, 3, 4].map(
        (n) => [...counts.keys()].filter((text) => text.split(' ').length <= n).length,
      ),
    );
    for (const [at, [text, count]] of [...counts].entries()) {
      assert.is(times[at], count);
      assert.is(seen.get(text) ?? grams[at], grams[at]);
      seen.set(text, grams[at]!);
    }
  }
  assert.is(new Set(seen.values()).size, seen.size);
  assert.is(index.count, seen.size);
});

test.run();
