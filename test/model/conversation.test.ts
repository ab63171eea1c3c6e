// A conversation's answers are those of a fresh prompt of the same ids, and cost their new tokens only.
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {loadAddon} from '../../src/kernels/native/addon.js';
import {Conversation} from '../../src/model/conversation.js';
import {LlamaDecoder} from '../../src/model/decoder.js';
import type {EmuModel} from '../../src/model/emu.js';
import {type GenerationOptions, generate, numRows} from '../../src/model/generate.js';
import {History} from '../../src/model/history.js';
import {onEveryBackend} from '../support/goldenModel.js';
import {randomEmu} from '../support/randomEmu.js';
import {BOS, defaults} from './generateDecoders.js';

const test = suite('conversation');
const IMAGE = 13;
const pictureIds = [11, IMAGE, IMAGE, IMAGE, 12];

const picture = (seed: number) =>
  tf.keep(tf.randomNormal<tf.Rank.R2>([3, 8], 0, 1, 'float32', seed));

/** An answer never says <image>: only here does it stand for a picture wherever it is. */
const words = Array.from({length: 12}, (_, id) => id);
const greedy: GenerationOptions = {...defaults, allowed: () => words};
/** The ways of searching, each with what else a turn has. */
const searches: readonly GenerationOptions[] = [
  {...greedy, maxNewTokens: 6},
  {...greedy, numBeams: 4, maxNewTokens: 7},
  {...greedy, numBeams: 3, maxNewTokens: 5, lengthPenalty: 1},
  {...greedy, doSample: true, temperature: 2, topP: 1, maxNewTokens: 6, seed: 3},
];

/** What a prompt of these ids, never seen before, is answered with. */
async function freshAnswer(model: EmuModel, {ids, pictures}: History, options: GenerationOptions) {
  const prompt = tf.tidy(() => {
    const seen = pictures.map(({embeds}) => tf.reshape<tf.Rank.R3>(embeds, [1, 3, 8]));
    return model.embedPrompt([ids], IMAGE, seen.length > 0 ? tf.concat(seen) : undefined);
  });
  const decoder = new LlamaDecoder(model.llama, prompt, numRows(options), options.maxNewTokens);
  try {
    for await (const event of generate(decoder, options))
      if (event.type === 'done') return event.sequences[0]!.ids.slice(1);
  } finally {
    decoder.dispose();
  }
  throw new Error('no answer');
}

async function ask(
  conversation: Conversation,
  asked: History,
  options: GenerationOptions,
  each: () => void = () => {},
) {
  for (const {start} of asked.pictures)
    assert.equal(asked.ids.slice(start - 1, start + 4), pictureIds);
  for await (const event of conversation.answer(asked, options)) {
    if (event.type === 'done') return event;
    each();
  }
  throw new Error('no end');
}

function withModel(body: (model: EmuModel, conversation: Conversation) => Promise<void>) {
  return async () => {
    const model = randomEmu();
    const before = tf.memory().numTensors;
    const conversation = new Conversation(model);
    const held = tf.memory().numTensors;
    await body(model, conversation);
    const {pictures} = conversation.history;
    assert.is(tf.memory().numTensors, held + pictures.length, 'tensors');
    conversation.dispose();
    assert.is(tf.memory().numTensors, before, 'tensors at the end');
  };
}

const begin = () => new History([BOS, 5, 6]);
const question = (history: History, ids: readonly number[], pictures: tf.Tensor2D[] = []) =>
  history.beginTurn().append(ids, IMAGE, pictures);

onEveryBackend(
  test,
  'each turn is answered as a fresh prompt is, and costs its own tokens',
  withModel(async (model, conversation) => {
    let history = begin();
    let previous: number | undefined;
    for (const [turn, options] of searches.entries()) {
      const shows = turn % 2 === 1;
      const ids = [7, 3 + turn, ...(shows ? pictureIds : []), 8];
      const asked = question(history, ids, shows ? [picture(turn)] : []);
      const expected = await freshAnswer(model, asked, options);
      const {ids: said, newPromptTokens, isStopped} = await ask(conversation, asked, options);
      assert.equal(said, expected, `turn ${turn}`);
      assert.is(isStopped, false);
      // Of the answer before, the last tokens may not have been computed yet.
      const pending = newPromptTokens - ids.length - (turn === 0 ? 3 : 0);
      assert.ok(pending >= 0 && pending <= (previous ?? 0), `${pending} tokens more`);
      assert.equal(conversation.history.ids, [...asked.ids, ...said]);
      assert.ok(conversation.cachedLength >= asked.length);
      previous = 1 + (options.numBeams > 1 ? 1 : 0);
      history = conversation.history;
    }
  }),
);

onEveryBackend(
  test,
  'going back, dropping old turns and another question answer as fresh prompts do',
  withModel(async (model, conversation) => {
    const options = searches[1]!;
    let history = begin();
    for (let turn = 0; turn < 3; turn++) {
      const asked = question(history, [3 + turn, ...pictureIds, 9], [picture(turn)]);
      await ask(conversation, asked, options);
      history = conversation.history;
    }
    conversation.replace(history.firstTurns(2));
    assert.is(conversation.history.pictures.length, 2);
    const other = question(conversation.history, [4, 4, 7]);
    const expected = await freshAnswer(model, other, options);
    const again = await ask(conversation, other, options);
    assert.equal(again.ids, expected);
    assert.ok(again.newPromptTokens <= 3 + 2, `${again.newPromptTokens} tokens`);

    const shorter = question(conversation.history.withoutOldest(1), [6, 3]);
    assert.equal(shorter.dropped, 1);
    assert.is(shorter.ids.filter((id) => id === IMAGE).length, 3);
    const fresh = await freshAnswer(model, shorter, options);
    const kept = await ask(conversation, shorter, options);
    assert.equal(kept.ids, fresh);
    assert.is(kept.newPromptTokens, shorter.length - 3, 'all but the system text');

    // The same ids, but another picture.
    const retold = [21, 22].map((seed) =>
      question(conversation.history.firstTurns(1), [4, ...pictureIds, 9], [picture(seed)]),
    );
    for (const asked of retold) {
      const wanted = await freshAnswer(model, asked, options);
      const {ids, newPromptTokens} = await ask(conversation, asked, options);
      assert.equal(ids, wanted);
      assert.ok(newPromptTokens >= 5, `${newPromptTokens} tokens`);
    }
  }),
);

onEveryBackend(
  test,
  'a stopped answer stays as far as it came, a question without answer does not',
  withModel(async (model, conversation) => {
    for (const options of searches) {
      const before = conversation.history.length === 0 ? begin() : conversation.history;
      const controller = new AbortController();
      const signal = controller.signal;
      const asked = question(before.firstTurns(1), [9, ...pictureIds, 5], [picture(8)]);
      const long = {...options, minLength: 12, maxNewTokens: 12};
      const wanted = await freshAnswer(model, asked, long);
      const stop = () => controller.abort();
      const {ids, isStopped} = await ask(conversation, asked, {...long, signal}, stop);
      assert.is(isStopped, ids.length < 12);
      assert.ok(ids.length > 0);
      assert.equal(ids, wanted.slice(0, ids.length));
      assert.equal(conversation.history.ids, [...asked.ids, ...ids]);

      const next = question(conversation.history, [3, 4]);
      const expected = await freshAnswer(model, next, options);
      assert.equal((await ask(conversation, next, options)).ids, expected);

      const {history, cachedLength} = conversation;
      const unanswered = question(history, [...pictureIds, 6], [picture(9)]);
      const stopped = await ask(conversation, unanswered, {
        ...options,
        signal: AbortSignal.abort(new Error('no')),
      });
      assert.equal([stopped.ids, stopped.isStopped], [[], true]);
      assert.is(conversation.history, history);
      assert.ok(conversation.cachedLength >= cachedLength);
    }
  }),
);

onEveryBackend(
  test,
  'an answer that fails leaves all as it was, also where old turns were to go',
  withModel(async (model, conversation) => {
    const [options] = searches as [GenerationOptions];
    for (let turn = 0; turn < 2; turn++) {
      const before = turn === 0 ? begin() : conversation.history;
      const asked = question(before, [3 + turn, ...pictureIds, 9], [picture(turn)]);
      await ask(conversation, asked, options);
    }
    const {history} = conversation;
    const next = question(history, [5, 6]);
    const expected = await freshAnswer(model, next, options);
    const dropping = question(history.withoutOldest(1), [7, ...pictureIds], [picture(7)]);
    // The prompt is computed by then, and in the place of what was there.
    const allowed = () => {
      throw new Error('no word will do');
    };
    await ask(conversation, dropping, {...options, allowed}).then(
      () => assert.unreachable(),
      (error: Error) => assert.is(error.message, 'no word will do'),
    );
    assert.is(conversation.history, history);
    assert.is(conversation.cachedLength, 3, 'the system text');
    assert.equal((await ask(conversation, next, options)).ids, expected);
  }),
);

onEveryBackend(
  test,
  'kernels that another thread cancels stop an answer as its signal does',
  withModel(async (model, conversation) => {
    const addon = loadAddon();
    if (tf.getBackend() !== 'native' || !addon) return; // no other kernels can be cancelled
    for (const options of searches) {
      const before = conversation.history.length === 0 ? begin() : conversation.history;
      const asked = question(before.firstTurns(1), [9, ...pictureIds, 5], [picture(8)]);
      const long = {...options, minLength: 12, maxNewTokens: 12};
      const {ids} = await ask(conversation, asked, long, () => addon.cancel(true));
      addon.cancel(false); // beams may have told all at the end: then nobody has seen it
      assert.ok(ids.length > 0);
      assert.equal(conversation.history.ids, [...asked.ids, ...ids]);

      const {history, cachedLength} = conversation;
      addon.cancel(true);
      const unanswered = question(history, [4, 5], []);
      const stopped = await ask(conversation, unanswered, options);
      assert.equal([stopped.ids, stopped.isStopped], [[], true]);
      assert.is(conversation.history, history);
      assert.is(conversation.cachedLength, cachedLength);
      const expected = await freshAnswer(model, unanswered, options);
      assert.equal((await ask(conversation, unanswered, options)).ids, expected);
    }
  }),
);

onEveryBackend(
  test,
  'a saved cache gives bit-equal answers, and their scores',
  withModel(async (model, conversation) => {
    const first = question(begin(), [4, ...pictureIds, 7], [picture(5)]);
    await ask(conversation, first, searches[1]!);
    const other = new Conversation(model);
    const {history} = conversation;
    const copied = history.pictures.map(({start, embeds}) => ({start, embeds: embeds.clone()}));
    const again = new History(history.ids, copied, history.turns);
    const layers = [...conversation.cachedNumbers()].map((numbers) => Float32Array.from(numbers));
    other.restore(again, conversation.cachedLength, layers);
    for (const each of [conversation, other])
      await ask(each, question(each.history, [8, 9]), {...greedy, numBeams: 2, maxNewTokens: 5});
    assert.equal(other.history.ids, conversation.history.ids);
    const [mine, its] = [conversation, other].map((each) => [...each.cachedNumbers()]);
    assert.equal(its, mine, 'keys and values of all that was said since');
    other.dispose();
  }),
);

test('what does not fit goes from its oldest turn on, until three quarters are left', () => {
  let history = begin();
  for (let turn = 0; turn < 6; turn++) history = question(history, new Array(10).fill(turn));
  assert.is(history.fittedTo(70, 7), history);
  const fitted = history.fittedTo(69, 7);
  assert.equal([fitted.dropped, fitted.length], [2, 43]); // 43 + 7 <= 51.75 < 53 + 7
  assert.equal(fitted.ids.slice(0, 4), [BOS, 5, 6, 2]);
  assert.equal(fitted.turns, [3, 13, 23, 33]);
  const last = history.fittedTo(12, 7);
  assert.equal([last.dropped, last.length], [5, 13], 'the newest turn stays');
});

test.run();
