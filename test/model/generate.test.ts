// Greedy and beam search: against transformers 4.31 (fixtures/generation), against every possible
// sequence, and corner cases by hand.
import {readFileSync} from 'node:fs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {EmuError} from '../../src/errors.js';
import {type GenerationOptions, generate} from '../../src/model/generate.js';
import {
  BOS,
  defaults,
  EOS,
  FunctionDecoder,
  run,
  scriptedDecoder,
  type TableCase,
  tableDecoder,
} from './generateDecoders.js';

type Case = TableCase &
  Partial<GenerationOptions> & {sequences: number[][]; scores: number[] | null; steps: number};

const test = suite('generate');
const fixture = new URL('../../fixtures/generation/cases.json', import.meta.url);
const cases = JSON.parse(readFileSync(fixture, 'utf8')) as Case[];

test(`${cases.length} searches of transformers 4.31`, async () => {
  let ownSteps = 0;
  let officialSteps = 0;
  for (const {sequences: expected, scores, steps, ...options} of cases) {
    const decoder = tableDecoder(options);
    const {sequences} = await run(decoder, options);
    const what = JSON.stringify(options);
    const longest = Math.max(...sequences.map(({ids}) => ids.length));
    const padded = sequences.map(({ids}) => [
      ...ids,
      ...new Array<number>(longest - ids.length).fill(0),
    ]);
    assert.equal(padded, expected, what);
    for (const [i, score] of (scores ?? []).entries()) {
      const difference = Math.abs(sequences[i]!.score! - score);
      // Sums of float32 log probabilities; torch adds the exponentials in another order.
      assert.ok(difference <= 1e-5 * Math.max(1, Math.abs(score)), `${what}: off ${difference}`);
    }
    assert.ok(decoder.steps <= steps, what);
    ownSteps += decoder.steps;
    officialSteps += steps;
  }
  assert.ok(ownSteps < officialSteps, 'a decided search ends at once');
});

/** log(softmax(logits)) in double. */
function logProbabilities(logits: readonly number[]): number[] {
  const total = Math.log(logits.reduce((sum, x) => sum + Math.exp(x), 0));
  return logits.map((x) => x - total);
}

/** All sequences that end or reach the longest length, with their scores, best first. */
function everySequence(
  logits: (ids: readonly number[]) => number[],
  maxNewTokens: number,
  lengthPenalty: number,
): {ids: number[]; score: number}[] {
  const found: {ids: number[]; score: number}[] = [];
  const visit = (ids: number[], sum: number) => {
    // The end is no part of the length that divides.
    const penalized = (total: number) => total / ids.length ** lengthPenalty;
    if (ids.length > maxNewTokens) {
      found.push({ids, score: penalized(sum)});
      return;
    }
    for (const [id, logProbability] of logProbabilities(logits(ids)).entries()) {
      const total = sum + logProbability;
      if (id === EOS) found.push({ids: [...ids, id], score: penalized(total)});
      else visit([...ids, id], total);
    }
  };
  visit([BOS], 0);
  return found.sort((a, b) => b.score - a.score);
}

for (const lengthPenalty of [-1, 0, 1])
  test(`beams for every sequence find the best of all, length penalty ${lengthPenalty}`, async () => {
    const vocabSize = 5;
    const maxNewTokens = 3;
    for (let seed = 0; seed < 20; seed++) {
      const logits = (ids: readonly number[]) =>
        Array.from(
          {length: vocabSize},
          (_, id) =>
            3 * Math.sin(seed * 7.1 + id * 12.9 + ids.reduce((h, x) => h * 1.7 + x, 0) * 78.2),
        );
      const best = everySequence(logits, maxNewTokens, lengthPenalty).slice(0, 4);
      const {sequences} = await run(new FunctionDecoder(vocabSize, logits), {
        numBeams: vocabSize ** maxNewTokens,
        numReturnSequences: best.length,
        maxNewTokens,
        lengthPenalty,
      });
      for (const [i, {ids, score}] of best.entries()) {
        assert.equal(sequences[i]!.ids, ids, `seed ${seed}`);
        assert.ok(Math.abs(sequences[i]!.score! - score) < 1e-5);
      }
    }
  });

test('greedy stops at the end, or at the longest length', async () => {
  const script = {'': {5: 3, 2: 1}, '5': {4: 2, 2: 1}, '5 4': {2: 4, 5: 1}};
  const whole = await run(scriptedDecoder(6, script), {});
  assert.equal(whole.sequences[0]!.ids, [BOS, 5, 4, EOS]);
  assert.equal(whole.streamed, [[5], [4], [EOS]]);
  const cut = await run(scriptedDecoder(6, script), {maxNewTokens: 2});
  assert.equal(cut.sequences[0]!.ids, [BOS, 5, 4]);
});

test('of equal scores the lowest id comes first', async () => {
  const even = () => new FunctionDecoder(8, () => new Array<number>(8).fill(0.5));
  const greedy = await run(even(), {maxNewTokens: 2});
  assert.equal(greedy.sequences[0]!.ids, [BOS, 0, 0]);
  const {sequences} = await run(even(), {maxNewTokens: 1, numBeams: 2, numReturnSequences: 2});
  // Ids 0 and 1 are chosen; transformers then takes hypotheses of equal score from the last.
  assert.equal(
    sequences.map(({ids}) => ids.at(-1)),
    [1, 0],
  );
});

test('the smallest length counts BOS', async () => {
  const script = {'*': {2: 5, 4: 1}};
  for (const numBeams of [1, 3])
    for (const [minLength, newTokens] of [
      [0, 0],
      [1, 0],
      [2, 1],
      [4, 3],
    ] as const) {
      const {sequences} = await run(scriptedDecoder(9, script), {minLength, numBeams});
      const expected = [BOS, ...new Array<number>(newTokens).fill(4), EOS];
      assert.equal(sequences[0]!.ids, expected, `${numBeams} beams, ${minLength}`);
    }
});

test('repetition penalty: positive scores divided, negative ones multiplied, BOS included', async () => {
  const ids = async (script: Record<string, Record<number, number>>, maxNewTokens: number) => {
    const options = {repetitionPenalty: 2, maxNewTokens};
    return (await run(scriptedDecoder(6, script), options)).sequences[0]!.ids;
  };
  // BOS (1) would win with 3, but 3 / 2 < 2.
  assert.equal(await ids({'': {1: 3, 4: 2}, '*': {2: 9}}, 10), [BOS, 4, EOS]);
  // 4 goes from -1 to -2, below the -1.5 of 5.
  const row = {4: -1, 5: -1.5};
  assert.equal(await ids({'': row, '4': row, '4 5': {2: 0}}, 10), [BOS, 4, 5, EOS]);
  // What is there twice is punished once: 8 / 2 > 3, 8 / 4 < 3.
  assert.equal(await ids({'*': {4: 8, 5: 3}}, 3), [BOS, 4, 4, 4]);
});

test('no n-gram comes twice, BOS included', async () => {
  const likes = {'*': {1: 6, 4: 5, 5: 4, 3: 3}};
  const ids = async (noRepeatNgramSize: number) =>
    (await run(scriptedDecoder(6, likes), {noRepeatNgramSize, maxNewTokens: 5})).sequences[0]!.ids;
  assert.equal(await ids(0), [BOS, 1, 1, 1, 1, 1]);
  assert.equal(await ids(1), [BOS, 4, 5, 3, 0, 2]);
  assert.equal(await ids(2), [BOS, 1, 4, 1, 5, 1]);
  assert.equal(await ids(3), [BOS, 1, 1, 4, 1, 1]);
});

test('an end ranked at or beyond the beams is dropped', async () => {
  // After 4 the end is the third candidate of all.
  const script = {
    '': {4: 5, 5: 0},
    '4': {3: 5, 6: 4.8, 2: 4.7},
    '*': {3: 0, 4: 0, 5: 0, 6: 0, 7: 0, 8: 0, 9: 0},
  };
  const best = async (numBeams: number) =>
    (await run(scriptedDecoder(10, script), {numBeams, maxNewTokens: 3})).sequences[0]!.ids;
  assert.equal(await best(3), [BOS, 4, EOS]);
  assert.not.ok((await best(2)).includes(EOS));
});

test('the length penalty decides between short and long', async () => {
  const script = {
    '': {4: Math.log(0.45), 5: Math.log(0.55)},
    '4': {2: Math.log(0.99), 7: Math.log(0.01)},
    '5': {6: Math.log(0.7), 7: Math.log(0.3)},
    '5 6': {2: Math.log(0.9), 7: Math.log(0.1)},
    '*': {2: 5},
  };
  const best = async (lengthPenalty: number) =>
    (await run(scriptedDecoder(8, script), {numBeams: 3, lengthPenalty})).sequences[0]!.ids;
  // log 0.45 * 0.99 = -0.81, over length 2: -0.40; log 0.55 * 0.7 * 0.9 = -1.06, over 3: -0.35.
  assert.equal(await best(0), [BOS, 4, EOS]);
  assert.equal(await best(-1), [BOS, 4, EOS]);
  assert.equal(await best(1), [BOS, 5, 6, EOS]);
});

test('beams stream what they share before the search is over', async () => {
  const script: Record<string, Record<number, number>> = {'*': {3: 1, 4: 0.9, 5: 0.8, 2: 0.5}};
  // One way for eight tokens, then a choice.
  for (let n = 0; n < 8; n++) script[new Array(n).fill(8).join(' ')] = {8: 30};
  const {streamed} = await run(scriptedDecoder(9, script), {numBeams: 3, maxNewTokens: 14});
  assert.ok(streamed.length >= 3, JSON.stringify(streamed));
  assert.is(streamed[0]![0], 8);
});

test('a search whose best cannot be beaten ends', async () => {
  // The end is nearly certain at once; transformers would go on until five have ended.
  const decoder = scriptedDecoder(50, {'*': {2: 10, 7: 1, 8: 1}});
  const {sequences} = await run(decoder, {numBeams: 5, maxNewTokens: 400});
  assert.equal(sequences[0]!.ids, [BOS, EOS]);
  assert.is(decoder.steps, 1);
});

/** The message of what a promise fails with. */
async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing failed';
}

test('aborting stops between steps with the reason', async () => {
  for (const options of [{numBeams: 1}, {numBeams: 4}, {doSample: true}]) {
    const controller = new AbortController();
    const decoder = scriptedDecoder(12, {'*': {4: 1, 5: 0.5, 6: 0.2, 7: 0.1}});
    // A timer gets its turn though the decoder never waits.
    setTimeout(() => controller.abort(new Error('enough')), 20);
    const search = (async () => {
      const all = {...defaults, ...options, maxNewTokens: 100_000, signal: controller.signal};
      for await (const event of generate(decoder, all)) assert.is(event.type, 'tokens');
    })();
    assert.is(await failure(search), 'enough');
    const {steps} = decoder;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.is(decoder.steps, steps);
  }
  const decoder = scriptedDecoder(5, {});
  const signal = AbortSignal.abort(new Error('before'));
  assert.is(await failure(generate(decoder, {...defaults, signal}).next()), 'before');
  assert.is(decoder.steps, 0);
});

test('scores that are not numbers are refused', async () => {
  const decoder = (bad: number) => new FunctionDecoder(6, () => [0, 0, 0, bad, 0, 0]);
  for (const options of [{}, {numBeams: 2}, {doSample: true}])
    assert.match(await failure(run(decoder(Number.NaN), options)), /not all numbers/);
  for (const options of [{numBeams: 2}, {doSample: true}])
    assert.match(await failure(run(decoder(Number.POSITIVE_INFINITY), options)), /not all numbers/);
});

test('options that make no sense are usage errors', () => {
  const decoder = scriptedDecoder(5, {});
  const bad: [Partial<GenerationOptions>, RegExp][] = [
    [{maxNewTokens: 0}, /expected maxNewTokens to be a whole number from 1, got 0/],
    [{numBeams: 2.5}, /numBeams/],
    [{temperature: 0}, /temperature/],
    [{topP: 1.1}, /topP/],
    [{topK: -1}, /topK/],
    [{repetitionPenalty: 0}, /repetitionPenalty/],
    [{lengthPenalty: Number.NaN}, /lengthPenalty/],
    [{doSample: true, numBeams: 2}, /one beam, got 2/],
    [{numBeams: 2, numReturnSequences: 3}, /3 answers need as many beams, got 2/],
    [{minLength: 12, maxNewTokens: 10}, /number of new tokens \(11\) is above the most \(10\)/],
  ];
  for (const [options, message] of bad)
    assert.throws(
      () => generate(decoder, {...defaults, ...options}),
      (error: unknown) =>
        error instanceof EmuError && error.exitCode === 2 && message.test(error.message),
      JSON.stringify(options),
    );
});

test.run();
