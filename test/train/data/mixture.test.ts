import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {Mixture} from '../../../src/train/data/mixture.js';
import {Permutation} from '../../../src/train/data/permutation.js';
import {seedFor, uses} from '../../../src/train/data/seeds.js';
import {throwsEmuError} from '../../support/errors.js';

const test = suite('mixture');

test('every source gets its share exactly, in the long run and in every block', () => {
  const weights = [128, 128, 64, 16, 16, 0.01];
  const total = weights.reduce((sum, weight) => sum + weight);
  const mixture = new Mixture(weights, 5);
  const counts = weights.map(() => 0);
  for (let i = 0; i < 20 * 1024; i++) {
    const {source, number} = mixture.draw(i);
    assert.is(number, counts[source], `draw ${i} is the next one of source ${source}`);
    counts[source]!++;
    if ((i + 1) % 1024 !== 0) continue;
    for (const [d, count] of counts.entries()) {
      const exact = ((i + 1) * weights[d]!) / total;
      assert.ok(Math.abs(count - exact) <= 2, `after ${i + 1}: ${count} of source ${d}, ${exact}`);
    }
  }
  const far = 1024 * 1e9;
  const [first] = mixture.counts(far);
  assert.ok(Math.abs(first! / far - 128 / total) < 1e-11);
});

test('a draw is the same wherever one begins', () => {
  const weights = [3, 1, 2];
  const straight = new Mixture(weights, 7);
  const draws = Array.from({length: 6000}, (_, i) => straight.draw(i));
  const jumping = new Mixture(weights, 7);
  for (const i of [5999, 0, 3000, 1023, 1024, 5000, 4096, 2047, 12])
    assert.equal(jumping.draw(i), draws[i]);
  const other = new Mixture(weights, 8);
  const differ = draws.filter(({source}, i) => other.draw(i).source !== source).length;
  assert.ok(differ > 3000, `another seed, another order: ${differ} of 6000 differ`);
});

test('neighbours are mixed', () => {
  const mixture = new Mixture([1, 1], 3);
  let changes = 0;
  for (let i = 1; i < 4096; i++)
    if (mixture.draw(i).source !== mixture.draw(i - 1).source) changes++;
  assert.ok(Math.abs(changes - 2048) < 160, `${changes} changes in 4096 draws`);
});

test('one source, or weights that do not add up to anything', () => {
  const single = new Mixture([0.3], 1);
  for (const i of [0, 1, 5000]) assert.equal(single.draw(i), {source: 0, number: i});
  const last = new Mixture([1, 0], 1);
  for (let i = 0; i < 3000; i++) assert.is(last.draw(i).source, 0);
  throwsEmuError(() => new Mixture([0, 0], 1), /no source has a weight above 0/);
});

test('an epoch is a permutation, and another one in another epoch', () => {
  for (const size of [1, 2, 3, 4, 5, 16, 17, 100, 1000, 4096, 4097]) {
    const order = new Permutation(size, 11, 0);
    const places = Array.from({length: size}, (_, i) => order.at(i));
    assert.equal(
      [...places].sort((a, b) => a - b),
      Array.from({length: size}, (_, i) => i),
      `size ${size}`,
    );
    if (size < 100) continue;
    const next = new Permutation(size, 11, 1);
    const same = places.filter((place, i) => next.at(i) === place || place === i).length;
    assert.ok(same < 15, `${same} of ${size} are where they were`);
  }
});

test('a permutation of billions needs no memory and stays in range', () => {
  for (const size of [2 ** 31 + 11, 2 ** 40 + 1, 2 ** 52]) {
    const order = new Permutation(size, 3, 0);
    const places = Array.from({length: 2000}, (_, i) => order.at(i));
    assert.is(new Set(places).size, 2000);
    assert.ok(places.every((place) => Number.isInteger(place) && place >= 0 && place < size));
    const low = places.filter((place) => place < size / 2).length;
    assert.ok(Math.abs(low - 1000) < 120, `${low} of 2000 in the lower half`);
  }
});

test('every place of a small set is evenly likely over the epochs', () => {
  const counts = new Array<number>(7).fill(0);
  for (let epoch = 0; epoch < 7000; epoch++) counts[new Permutation(7, 2, epoch).at(0)]!++;
  // 1000 each; five standard deviations are 146.
  for (const count of counts) assert.ok(Math.abs(count - 1000) < 146, counts.join(' '));
});

test('each use of the seed has streams of its own', () => {
  const names = Object.keys(uses) as (keyof typeof uses)[];
  const seeds = names.flatMap((use) =>
    Array.from({length: 20}, (_, source) => seedFor(1, use, source)),
  );
  assert.is(new Set(seeds).size, seeds.length);
  assert.ok(seeds.every(Number.isSafeInteger));
  assert.is(seedFor(1, 'order', 2), seedFor(1, 'order', 2));
  assert.is.not(seedFor(1, 'order', 2), seedFor(2, 'order', 2));
});

test.run();
