import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {bleu} from '../../../src/eval/metrics/caption/bleu.js';
import {NgramIndex} from '../../../src/eval/metrics/caption/ngrams.js';

const test = suite('bleu');

function scores(...pairs: [candidate: string, references: string[]][]) {
  const index = new NgramIndex();
  const images = pairs.map(([candidate, references]) => ({
    candidate: index.of(candidate),
    references: references.map((reference) => index.of(reference)),
  }));
  return bleu(images, index.count);
}

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-6, `got ${actual}, expected ${expected}`);

test('a word counts as often as the reference that has it most', () => {
  const [one] = scores(['the the the cat', ['the cat sat on', 'the the dog ran']]);
  near(one!.corpus, 3 / 4);
});

test('short captions are penalized by the nearest reference, of two as near by the shorter', () => {
  near(scores(['a b', ['a b c d']])[0]!.corpus, Math.exp(1 - 4 / 2));
  near(scores(['a b c', ['a b', 'a b c d']])[0]!.corpus, 1);
});

test('the corpus score sums counts', () => {
  const [one, two] = scores(['a b c d', ['a b c d']], ['x y', ['x q']]);
  near(one!.corpus, 5 / 6);
  near(two!.corpus, Math.sqrt((5 / 6) * (3 / 4)));
  near(one!.perImage[1]!, 1 / 2);
});

test('no word and too few words', () => {
  const all = scores(['', ['a b']], ['a', ['a b c d e']]);
  for (const {perImage} of all)
    for (const value of perImage) assert.ok(value >= 0 && value < 0.1 && !Number.isNaN(value));
});

test.run();
