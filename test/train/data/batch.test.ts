import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import type {Dataset} from '../../../src/data/dataset.js';
import type {Random} from '../../../src/random.js';
import type {Batch} from '../../../src/train/data/batch.js';
import {BatchMaker, type BatchOptions} from '../../../src/train/data/batchMaker.js';
import {regressionPairs, textLabels} from '../../../src/train/data/labels.js';
import {throwsEmuError} from '../../support/errors.js';
import {expectEmuError} from '../../data/fixtures.js';
import {batchOptions, madeUp, tokenizer} from './support.js';

const test = suite('batches');
const {ids: special} = tokenizer;

const maker = (options: BatchOptions, datasets: Dataset[]) =>
  new BatchMaker(options, datasets, tokenizer);

const only = async (made: Promise<{batch: Batch}>) => (await made).batch;

test('rows are padded on the right; pictures come in the order of their places', async () => {
  const text = (index: number) => 'a '.repeat(1 + (index % 3));
  const batch = await only(maker(batchOptions(1), [madeUp({text})]).step(0));
  assert.is(batch.ids.length, 6);
  const longest = Math.max(...batch.lengths);
  for (const [b, row] of batch.ids.entries()) {
    assert.is(row.length, longest);
    const index = Number(/item (\d+)/.exec(batch.names[b]![0]!)![1]);
    const length = 1 + 4 + 1 + (index % 3) + 1; // BOS, the picture, words, </s>
    assert.is(batch.lengths[b], length);
    const [a] = tokenizer.encode('a', {bos: false});
    assert.is(row.filter((id) => id === a).length, 1 + (index % 3));
    assert.ok(row.slice(length).every((id) => id === special.pad));
    assert.ok(batch.labels[b]!.slice(length).every((id) => id === -100));
    assert.equal([...batch.pixels.slice(12 * b, 12 * b + 12)], new Array(12).fill(index));
  }
  assert.is(batch.count, 6);
  assert.is(batch.size, 2);
  assert.is(batch.packed, undefined);
  assert.is(batch.classes, undefined);
});

test('the counts and labels are those of the losses', async () => {
  const batch = await only(maker(batchOptions(1), [madeUp()]).step(3));
  assert.equal(
    batch.labels,
    batch.ids.map((row) => textLabels(row, special)),
  );
  assert.is(batch.numPairs, regressionPairs(batch.ids, special).from.length);
  assert.is(batch.numPairs, batch.count * 3);
  const targets = batch.labels.flatMap((row) => row.slice(1).filter((id) => id !== -100));
  assert.is(batch.numLabels, targets.length);
});

test('a batch of texts has no pixels; labels of all samples become classes', async () => {
  const texts = await only(maker(batchOptions(1), [madeUp({hasPicture: false})]).step(0));
  assert.is(texts.count, 0);
  assert.is(texts.pixels.length, 0);
  assert.is(texts.numPairs, 0);
  const named = await only(maker(batchOptions(1), [madeUp({label: true})]).step(0));
  const expected = named.names.map(([name]) => Number(/item (\d+)/.exec(name!)![1]) % 7);
  assert.equal(named.classes, expected);
});

test('a step is the same on any number of ranks', async () => {
  for (const mix of ['perSample', 'perStep'] as const) {
    const datasets = () => [madeUp({name: 'x', size: 10}), madeUp({name: 'y', size: 1000})];
    const whole = maker(batchOptions(2, {data: {mix}, batch: 7}), datasets());
    for (const ranks of [2, 3]) {
      const parts = Array.from({length: ranks}, (_, rank) =>
        maker(batchOptions(2, {data: {mix}, batch: 7, rank, ranks}), datasets()),
      );
      for (const step of [0, 1, 900]) {
        const expected = await only(whole.step(step));
        const found = await Promise.all(parts.map((part) => only(part.step(step))));
        assert.equal(
          found.flatMap(({names}) => names),
          expected.names,
        );
        const real = (batch: Batch) => batch.ids.map((row, b) => row.slice(0, batch.lengths[b]));
        assert.equal(found.flatMap(real), real(expected));
        const pixels = found.flatMap((batch) => [...batch.pixels]);
        assert.equal(pixels, [...expected.pixels]);
        // Each knows which rows it has, so that what is drawn for a row is the same too.
        assert.equal(
          found.flatMap((batch) => batch.ids.map((_, b) => batch.firstRow + b)),
          expected.ids.map((_, b) => b),
        );
        const sum = (key: 'numLabels' | 'numPairs') =>
          found.reduce((total, batch) => total + batch[key], 0);
        assert.is(sum('numLabels'), expected.numLabels);
        assert.is(sum('numPairs'), expected.numPairs);
      }
    }
  }
});

test('a run goes on from any step', async () => {
  const datasets = () => [madeUp({name: 'x', size: 10}), madeUp({name: 'y', size: 37})];
  const straight = maker(batchOptions(2), datasets());
  const steps: Batch[] = [];
  for (let step = 0; step < 12; step++) steps.push(await only(straight.step(step)));
  const resumed = maker(batchOptions(2), datasets());
  for (const step of [7, 8, 9, 2]) assert.equal(await only(resumed.step(step)), steps[step]);
  const other = maker(batchOptions(2, {seed: 6}), datasets());
  assert.not.equal((await only(other.step(0))).names, steps[0]!.names);
});

test('every sample is read once an epoch', async () => {
  const options = batchOptions(1, {batch: 5});
  const made = maker(options, [madeUp({size: 20})]);
  const epochs: string[][] = [];
  for (let epoch = 0; epoch < 2; epoch++) {
    const names: string[] = [];
    for (let step = 0; step < 4; step++)
      names.push(...(await only(made.step(4 * epoch + step))).names.flat());
    assert.is(new Set(names).size, 20);
    epochs.push(names);
  }
  assert.not.equal(epochs[0], epochs[1]);
});

test('one data set a step, each with its own rows', async () => {
  const options = batchOptions(2, {data: {mix: 'perStep'}});
  const sources = options.data.sources.map((source, i) =>
    i === 1 ? {...source, batch: 2} : source,
  );
  const own = {...options, data: {...options.data, sources}};
  const made = maker(own, [madeUp({name: 'x', size: 30}), madeUp({name: 'y', size: 30})]);
  const seen = {x: [] as string[], y: [] as string[]};
  for (let step = 0; step < 30; step++) {
    const names = (await only(made.step(step))).names.flat();
    const source = names[0]![0] as 'x' | 'y';
    assert.ok(names.every((name) => name.startsWith(source)));
    assert.is(names.length, source === 'x' ? 6 : 2);
    seen[source].push(...names);
  }
  for (const names of Object.values(seen)) {
    const epoch = names.slice(0, 30);
    assert.is(new Set(epoch).size, Math.min(30, names.length), 'no sample twice in an epoch');
  }
  assert.ok(seen.x.length > 0 && seen.y.length > 0);
});

test('samples without an end are read straight on', async () => {
  const endless = madeUp({
    size: Number.POSITIVE_INFINITY,
    text: (i, random) => `${i} ${random.below(9)}`,
  });
  const made = maker(batchOptions(1, {batch: 4}), [endless]);
  const batch = await only(made.step(25));
  assert.equal(
    batch.names.flat(),
    [100, 101, 102, 103].map((i) => `made up, item ${i}`),
  );
});

test('packing: documents that fit share a row and do not see each other', async () => {
  const text = (index: number) => 'a '.repeat(1 + (index % 5));
  const options = batchOptions(1, {data: {pack: 4}, batch: 8, contextLength: 24});
  const batch = await only(maker(options, [madeUp({text, size: 50})]).step(0));
  const {segments, positions} = batch.packed!;
  assert.ok(batch.names.some((names) => names.length > 1));
  for (const [b, names] of batch.names.entries()) {
    assert.ok(batch.lengths[b]! <= 24);
    assert.ok(names.length <= 4);
    const starts = batch.ids[b]!.flatMap((id, t) => (id === special.bos ? [t] : []));
    assert.is(starts.length, names.length);
    for (const [t, segment] of segments[b]!.entries()) {
      const document = starts.filter((start) => start <= t).length - 1;
      const isPad = t >= batch.lengths[b]!;
      assert.is(segment, isPad ? -1 : document);
      assert.is(positions[b]![t], isPad ? 0 : t - starts[document]!);
    }
    for (const start of starts.slice(1)) assert.is(batch.labels[b]![start], -100);
  }
  const labels = batch.labels.flatMap((row) => row.slice(1).filter((id) => id !== -100));
  assert.is(batch.numLabels, labels.length);
  const resumed = maker(options, [madeUp({text, size: 50})]);
  await resumed.step(4);
  assert.equal(await only(resumed.step(0)), batch);
});

test('a row takes the samples in order until one does not fit', async () => {
  const options = batchOptions(1, {data: {pack: 3}, batch: 2, contextLength: 16});
  const endless = Number.POSITIVE_INFINITY;
  // BOS + words + </s>: 6, 12 and 6 tokens.
  const text = (index: number) => 'a '.repeat([4, 10, 4][index % 3]!);
  const batch = await only(
    maker(options, [madeUp({size: endless, text, hasPicture: false})]).step(0),
  );
  assert.equal(batch.lengths, [6, 6]);
  assert.equal(batch.names, [['made up, item 0'], ['made up, item 3']]);
});

test('a bad sample is replaced, named and counted, the same wherever one begins', async () => {
  const isBad = (index: number) => index % 10 === 3;
  const read = async (steps: readonly number[]) => {
    const made = maker(batchOptions(1), [madeUp({isBad})]);
    const found = new Map<number, Awaited<ReturnType<typeof made.step>>>();
    for (const step of steps) found.set(step, await made.step(step));
    return found;
  };
  const all = await read([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const bad = [...all.values()].flatMap((step) => step.bad);
  assert.ok(bad.length >= 5, `${bad.length} bad samples in 60`);
  for (const line of bad) assert.match(line, /^made up, item \d*3: is damaged$/);
  for (const {batch, numTried, bad} of all.values()) {
    assert.is(batch.ids.length, 6);
    assert.is(numTried, 6 + bad.length);
    for (const [name] of batch.names) assert.not.match(name!, /item \d*3$/);
  }
  for (const [step, made] of await read([8, 3])) assert.equal(made, all.get(step));
});

test('a source of which nothing can be read stops the run', async () => {
  const made = maker(batchOptions(1), [madeUp({isBad: () => true, name: 'broken.jsonl'})]);
  const error = await expectEmuError(made.step(0), 'bad_data');
  assert.match(error.message, /^broken\.jsonl: 100 samples in a row .*item \d+: is damaged$/);
});

test('a fault of the program is no bad sample', async () => {
  const faulty: Dataset = {
    ...madeUp(),
    read: async () => {
      throw new TypeError('a fault');
    },
  };
  const error = await maker(batchOptions(1), [faulty])
    .step(0)
    .catch((caught) => caught);
  assert.instance(error, TypeError);
});

test('sizes that do not fit are told at once', () => {
  const make = (changes: Parameters<typeof batchOptions>[1]) => () =>
    maker(batchOptions(1, changes), [madeUp()]);
  throwsEmuError(make({contextLength: 4}), /a context of 4 tokens does not hold one picture \(5\)/);
  throwsEmuError(make({batch: 3, ranks: 4}), /3 rows cannot be cut into 4 parts/);
});

test('what a sample draws differs from draw to draw', async () => {
  const numbers = new Set<string>();
  const text = (_: number, random: Random) => String(random.below(1000));
  const made = maker(batchOptions(1, {batch: 50}), [madeUp({size: 1, text})]);
  const batch = await only(made.step(0));
  for (const [b, row] of batch.ids.entries())
    numbers.add(tokenizer.decode(row.slice(5, batch.lengths[b])));
  assert.ok(numbers.size > 40, `${numbers.size} of 50 differ`);
});

test.run();
