import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {Random} from '../../src/random.js';
import {warp} from '../../src/model/sampling.js';
import {BOS, EOS, FunctionDecoder, run, tableDecoder} from './generateDecoders.js';

const test = suite('sampling');
const table = {seed: 5, contexts: 101, vocabSize: 40, eosBias: 0, scale: 4};
const sampling = {doSample: true, maxNewTokens: 12} as const;

test('the same seed gives the same text, another seed another', async () => {
  const ids = async (seed: number) =>
    (await run(tableDecoder(table), {...sampling, seed})).sequences[0]!.ids;
  assert.equal(await ids(7), await ids(7));
  assert.not.equal(await ids(7), await ids(8));
  assert.not.equal(await ids(7), await ids(7 + 2 ** 32));
});

test('several answers: each is what it would be alone, and they differ', async () => {
  const options = {...sampling, seed: 3, topP: 0.9};
  const five = await run(tableDecoder(table), {...options, numReturnSequences: 5});
  const two = await run(tableDecoder(table), {...options, numReturnSequences: 2});
  assert.equal(
    two.sequences.map(({ids}) => ids),
    five.sequences.slice(0, 2).map(({ids}) => ids),
  );
  assert.is(new Set(five.sequences.map(({ids}) => ids.join())).size, 5);
});

test('ended answers leave the batch', async () => {
  const {sequences} = await run(tableDecoder({...table, eosBias: 3}), {
    ...sampling,
    numReturnSequences: 30,
  });
  const lengths = new Set(sequences.map(({ids}) => ids.length));
  assert.ok(lengths.size > 3);
  for (const {ids} of sequences) {
    assert.is(ids[0], BOS);
    const end = ids.indexOf(EOS);
    assert.ok(end === ids.length - 1 || (end === -1 && ids.length === sampling.maxNewTokens + 1));
  }
});

test('drawing from the best one alone is greedy search', async () => {
  const greedy = await run(tableDecoder(table), {maxNewTokens: 12});
  for (const limit of [{topK: 1}, {topP: 0}, {temperature: 1e-6}])
    assert.equal(
      (await run(tableDecoder(table), {...sampling, ...limit})).sequences[0]!.ids,
      greedy.sequences[0]!.ids,
      JSON.stringify(limit),
    );
});

test('processors come before drawing', async () => {
  const {sequences} = await run(tableDecoder({...table, eosBias: 20}), {
    ...sampling,
    minLength: 6,
    noRepeatNgramSize: 1,
  });
  const {ids} = sequences[0]!;
  assert.ok(ids.length >= 7);
  assert.is(new Set(ids).size, ids.length);
});

/** The warpers as transformers writes them, everything sorted: probabilities [V]. */
function plainly(scores: readonly number[], temperature: number, topK: number, topP: number) {
  let x = scores.map((score) => Math.fround(score / Math.fround(temperature)));
  if (topK > 0) {
    const threshold = [...x].sort((a, b) => b - a)[Math.min(topK, x.length) - 1]!;
    x = x.map((score) => (score < threshold ? Number.NEGATIVE_INFINITY : score));
  }
  const softmax = (values: number[]) => {
    const largest = Math.max(...values);
    const weights = values.map((value) => Math.exp(value - largest));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  };
  if (topP < 1) {
    const p = softmax(x);
    const ascending = x.map((_, i) => i).sort((a, b) => p[a]! - p[b]! || b - a);
    let sum = 0;
    for (const [place, i] of ascending.entries()) {
      sum += p[i]!;
      if (sum <= 1 - topP && place < x.length - 1) x[i] = Number.NEGATIVE_INFINITY;
    }
  }
  return softmax(x);
}

test('temperature, top-k and top-p cut as the plain definitions do', () => {
  const random = new Random(1);
  for (let round = 0; round < 400; round++) {
    const pick = <T>(choices: readonly T[]): T =>
      choices[Math.floor(random.uniform() * choices.length)]!;
    const size = 3 + Math.floor(random.uniform() * 60);
    const spread = pick([0.1, 1, 5, 30]);
    // Rounded, so that some tie.
    const scores = Array.from({length: size}, () =>
      Math.fround(Math.round((random.uniform() - 0.5) * spread * 8) / 8),
    );
    if (pick([true, false])) scores[0] = Number.NEGATIVE_INFINITY;
    const temperature = pick([1, 0.7, 2]);
    const topK = pick([0, 0, 1, 5, 50]);
    const topP = pick([1, 0.93, 0.55, 0.05, 0.9993]);
    const expected = plainly(scores, temperature, topK, topP);
    const {ids, probabilities} = warp(Float32Array.from(scores), {temperature, topK, topP});
    const got = new Array<number>(size).fill(0);
    for (const [i, id] of ids.entries()) got[id] = probabilities[i]!;
    const what = `round ${round}: temperature ${temperature}, topK ${topK}, topP ${topP}`;
    for (let id = 0; id < size; id++)
      assert.ok(Math.abs(got[id]! - expected[id]!) < 1e-6, `${what}, id ${id}`);
  }
});

test('tokens are drawn as often as they are likely', async () => {
  const shares = [0.5, 0.25, 0, 0.125, 0.125];
  const draws = 4000;
  const counts = [0, 0, 0, 0, 0];
  const decoder = new FunctionDecoder(5, () => shares.map((share) => Math.log(share)));
  const {sequences} = await run(decoder, {...sampling, maxNewTokens: draws});
  for (const id of sequences[0]!.ids.slice(1)) counts[id]!++;
  for (const [id, share] of shares.entries()) {
    // Five standard deviations.
    const slack = 5 * Math.sqrt(draws * share * (1 - share));
    assert.ok(Math.abs(counts[id]! - draws * share) <= slack, `${id}: ${counts[id]}`);
  }
});

test('random numbers are the same everywhere, even, and of separate streams', () => {
  const first = (seed: number, stream = 0) => {
    const random = new Random(seed, stream);
    return [random.uint32(), random.uint32(), random.uint32()];
  };
  assert.equal(first(0), [2518309868, 3725800547, 1567105068]);
  assert.equal(first(1234, 2), [2567205816, 135703242, 1282298534]);
  const seen = new Set<number>();
  for (let seed = 0; seed < 50; seed++)
    for (let stream = 0; stream < 20; stream++) seen.add(first(seed, stream)[0]!);
  assert.is(seen.size, 1000);
  const random = new Random(9);
  let sum = 0;
  for (let i = 0; i < 10_000; i++) {
    const value = random.uniform();
    assert.ok(value >= 0 && value < 1);
    sum += value;
  }
  assert.ok(Math.abs(sum / 10_000 - 0.5) < 0.015);
});

test.run();
