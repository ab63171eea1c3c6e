// Chats with emu-mini: what a person says becomes the template's ids, and files bring a chat back bit for bit.
import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import type {ChatPart} from '../../src/chat/chatModel.js';
import {EmuChat} from '../../src/chat/emuChat.js';
import {readImage} from '../../src/data/image.js';
import {Emu} from '../../src/emu.js';
import {EmuError, InputError} from '../../src/errors.js';
import type {BackendName} from '../../src/kernels/backend.js';
import {imagePlaceholder, PromptError, systemTexts} from '../../src/text/prompt.js';
import {writeSafetensors} from '../../src/weights/safetensors.js';
import {type Variant, variants} from '../support/backends.js';
import {onEveryBackend} from '../support/goldenModel.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('chat');
const root = fileURLToPath(new URL('../../', import.meta.url));
const mini = 'emu-mini';
const folder = temporaryFolder();
const picture = await readImage(path.join(root, 'fixtures/streamline-tiger.png'));
const other = await readImage(path.join(root, 'fixtures/streamline-umbrella.png'));

const text = (said: string): ChatPart => ({type: 'text', text: said});
const shown: ChatPart = {type: 'image', picture};
const what = text('what is this?');
const short = {maxTokens: 12};
const ignore = () => {};

async function withEmu(backend: BackendName, body: (emu: Emu) => Promise<void>): Promise<void> {
  const emu = await Emu.load(mini, {backend});
  try {
    await body(emu);
  } finally {
    emu.close();
  }
}

const onEach = (name: string, body: (emu: Emu) => Promise<void>) =>
  onEveryBackend(test, name, (backend) => withEmu(backend, body));

/** On the quickest backend alone: what differs between them, test/model/conversation.test.ts looks at. */
const [quickest] = variants() as [Variant, ...Variant[]];
const onQuickest = (name: string, body: (emu: Emu) => Promise<void>) =>
  test(name, () => withEmu(quickest.backend, body));

/** Three beams take the reference backend seconds an answer. */
const beamsFor = ({backend}: Emu) => (backend.name === 'reference' ? 1 : 3);

/** What the model says after a whole prompt, `[image]` where a picture is. */
async function afterPrompt(emu: Emu, prompt: string, parts: readonly ChatPart[], numBeams: number) {
  const items = [text(prompt), ...parts.filter(({type}) => type !== 'text')];
  for await (const event of emu.generateText(items, {task: 'raw', numBeams, ...short}))
    if (event.type === 'done') return event.result;
  throw new Error('no answer');
}

async function failure(run: () => Promise<unknown>): Promise<EmuError> {
  try {
    await run();
  } catch (error) {
    assert.instance(error, EmuError);
    return error as EmuError;
  }
  throw new Error('nothing failed');
}

onEach(
  'turns have the template of instruction tuning, and streamed text is the answer',
  async (emu) => {
    const chat = new EmuChat(emu);
    assert.equal(chat.info, {
      ...{name: 'emu-mini', backend: emu.backend.name, canDraw: true, imageSize: 64},
      ...{tokensPerPicture: 10, contextLength: 256},
    });
    const clip: ChatPart = {type: 'video', frames: [picture, other]};
    const conversations: [string | undefined, ChatPart[][], string][] = [
      [undefined, [[shown, what], [text('what colour is the background?')]], systemTexts.image],
      ['look!', [[what], [what, {type: 'image', picture: other}], [clip, what]], 'look!'],
      [undefined, [[clip, text('what happens?')], [what]], systemTexts.video],
      ['', [[what, shown], [what]], ''],
    ];
    // The reference backend takes a second for a picture.
    const some = conversations.slice(0, emu.backend.name === 'reference' ? 1 : undefined);
    for (const [system, turns, expected] of some)
      for (const numBeams of new Set([1, beamsFor(emu)])) {
        let prompt = expected;
        const said: ChatPart[] = [];
        assert.is((await chat.begin(system)).contextTokens, 0);
        for (const [turn, parts] of turns.entries()) {
          const places = parts.map((part) =>
            part.type === 'text' ? part.text : '[image]'.repeat(part.type === 'image' ? 1 : 2),
          );
          prompt += ` [USER]: ${places.join('')} [ASSISTANT]:`;
          said.push(...parts);
          const wanted = await afterPrompt(emu, prompt.trimStart(), said, numBeams);
          let streamed = '';
          const answer = await chat.ask(parts, {...short, numBeams}, (delta) => {
            streamed += delta;
          });
          assert.equal([answer.text, streamed], [wanted.text, wanted.text]);
          assert.equal(answer.tokens, wanted.tokens);
          // The prompt's ids, and no others, are what the chat knows.
          const placed = prompt.trimStart().replaceAll('[image]', imagePlaceholder(8));
          const ids = emu.tokenizer.encode(placed);
          assert.is(answer.status.contextTokens, ids.length + answer.tokens.length);
          assert.is(answer.status.turns, turn + 1);
          assert.is(answer.isStopped, false);
          prompt += ` ${answer.text}</s>`;
        }
      }
    await chat.close();
  },
);

onEach(
  'a follow-up costs its own tokens, until old turns go; nothing is left over',
  async (emu) => {
    const chat = new EmuChat(emu);
    const held = tf.memory().numTensors;
    const costs: number[] = [];
    let dropped = 0;
    for (let turn = 0; turn < 24; turn++) {
      const parts = turn % 5 === 1 ? [shown, what] : [what];
      const {status, newPromptTokens} = await chat.ask(parts, {maxTokens: 8}, ignore);
      assert.ok(status.contextTokens <= 256);
      assert.ok(
        status.cacheBytes > 4600 * (status.contextTokens - 2),
        `${status.cacheBytes} bytes`,
      );
      if (status.droppedTurns === dropped) costs.push(newPromptTokens);
      else {
        assert.ok(status.turns >= 10 && newPromptTokens <= 0.75 * 256, JSON.stringify(status));
        assert.is(status.turns + status.droppedTurns, turn + 1);
      }
      dropped = status.droppedTurns;
      const pictures = Math.floor((status.turns + dropped + 3) / 5) - Math.floor((dropped + 3) / 5);
      assert.is(tf.memory().numTensors, held + pictures, `turn ${turn}`);
    }
    assert.ok(dropped > 0);
    // [USER] : what is this ? [ASSISTANT] : and the end of the answer before, with a picture 10 more.
    assert.ok(
      costs.slice(1).every((cost) => cost <= 20),
      costs.join(),
    );
    assert.ok((await chat.rewind(1)).turns === 1);
    assert.match((await failure(() => chat.rewind(2))).message, /from 0 to 1, got 2/);
    assert.is((await chat.rewind(0)).turns, 0);
    await chat.close();
  },
);

onQuickest('what is drawn stands there as an answer, and modes switch at once', async (emu) => {
  const chat = new EmuChat(emu);
  await chat.ask([shown, what], short, ignore);
  const steps: number[] = [];
  const options = {steps: 2, seed: 5, guidance: 2};
  const {drawing, status, isStopped} = await chat.draw([text('a tiger')], options, (event) => {
    if (event.type === 'step') steps.push(event.step);
  });
  assert.is(isStopped, false);
  assert.equal([drawing!.picture.width, drawing!.seed, status.turns], [64, 5, 2]);
  assert.ok(steps.length >= 2);
  for await (const event of emu.generateImage([text('a tiger')], options))
    if (event.type === 'picture') assert.equal(drawing!.picture, event.picture);
  const answer = await chat.ask([what], short, ignore);
  const first = `${systemTexts.image} [USER]: [image]what is this? [ASSISTANT]: a tiger</s>`;
  const drawn = ' [USER]: a tiger [ASSISTANT]: [image]</s> [USER]: what is this? [ASSISTANT]:';
  const seen: ChatPart[] = [shown, {type: 'image', picture: drawing!.picture}];
  assert.equal(answer.tokens, (await afterPrompt(emu, first + drawn, seen, 1)).tokens);

  const held = tf.memory().numTensors;
  const controller = new AbortController();
  const stopped = await chat.draw([what], options, () => controller.abort(), controller.signal);
  assert.equal([stopped.isStopped, stopped.drawing, stopped.status.turns], [true, undefined, 3]);
  assert.is(tf.memory().numTensors, held);

  if (emu.backend.name === 'reference') return; // which takes longer for a word
  // The base says a word, then the tuning: both are there already. The quickest of some counts.
  const times: number[] = [];
  for (let i = 0; i < 5; i++)
    for (const task of ['incontext', 'vqa'] as const) {
      const start = performance.now();
      const items = [shown, what];
      for await (const _ of emu.generateText(items, {task, numBeams: 1, maxTokens: 1}));
      times.push(performance.now() - start);
    }
  assert.ok(Math.min(...times) < 50, `${times.map((ms) => ms.toFixed(0))} ms`);
});

onEach(
  'a saved chat goes on bit for bit, and without its cache with the same words',
  async (emu) => {
    const file = path.join(folder, 'chat.safetensors');
    const chat = new EmuChat(emu);
    const again = new EmuChat(emu);
    await chat.save(file);
    assert.is((await again.restore(file)).contextTokens, 0, 'a chat that has not begun');
    await chat.begin('look!');
    await chat.ask([shown, what], {...short, numBeams: beamsFor(emu)}, ignore);
    const before = await chat.ask(
      [text('what is it?'), {type: 'image', picture: other}],
      short,
      ignore,
    );
    const held = tf.memory().numTensors;
    await chat.save(file);
    assert.is(tf.memory().numTensors, held);
    assert.equal(await again.restore(file), before.status);
    const files = [chat, again].map((_, i) => path.join(folder, `${i}.safetensors`));
    const answers = [];
    for (const [i, each] of [chat, again].entries()) {
      const {firstTokenSeconds, tokensPerSecond, ...rest} = await each.ask([what], short, ignore);
      answers.push(rest);
      await each.save(files[i]!);
    }
    assert.equal(answers[1], answers[0]);
    // Keys and values of the new turn, and so its scores, are the same numbers.
    assert.ok(readFileSync(files[0]!).equals(readFileSync(files[1]!)), 'bytes of both files');

    await again.restore(file);
    await again.save(file, {cache: false});
    assert.ok(readFileSync(file).length < 20_000);
    const {cacheBytes} = await again.restore(file);
    assert.ok(cacheBytes < before.status.cacheBytes / 10, 'embeddings only');
    const anew = await again.ask([what], short, ignore);
    assert.equal(anew.tokens, answers[0]!.tokens);
    assert.is(anew.newPromptTokens, anew.status.contextTokens - anew.tokens.length);
    await Promise.all([chat.close(), again.close()]);
  },
);

onQuickest(
  'a file that is damaged, or of another model or kind, is told in one line',
  async (emu) => {
    const chat = new EmuChat(emu);
    const {status} = await chat.ask([shown, what], short, ignore);
    const good = path.join(folder, 'good.safetensors');
    await chat.save(good);
    const bytes = readFileSync(good);
    const held = tf.memory().numTensors;
    const damaged = (name: string, change: (copy: Buffer) => Buffer): string => {
      const file = path.join(folder, `${name}.safetensors`);
      writeFileSync(file, change(Buffer.from(bytes)));
      return file;
    };
    const replaced = (from: string, to: string) => (copy: Buffer) => {
      const at = copy.indexOf(from);
      assert.ok(at > 0, from);
      copy.write(to.padEnd(from.length), at);
      return copy;
    };
    const flipped = (at: number) => (copy: Buffer) => {
      copy[at]! ^= 1;
      return copy;
    };
    const plain = path.join(folder, 'plain.safetensors');
    writeSafetensors(plain, [{name: 'x', shape: [1], encoding: 'f32', data: new Uint8Array(4)}]);
    const cases: [string, RegExp][] = [
      [path.join(folder, 'absent'), /no such file/],
      [folder, /is a folder/],
      [plain, /is no chat that emu has saved/],
      [path.join(root, 'package.json'), /damaged safetensors file/],
      [damaged('cut', (copy) => copy.subarray(0, copy.length - 1000)), /it is cut off/],
      [damaged('empty', () => Buffer.alloc(0)), /it has only 0 bytes/],
      [damaged('value', flipped(bytes.length - 5000)), /not those that were written/],
      [damaged('hash', flipped(bytes.length - 1)), /not those that were written/],
      [damaged('version', replaced('"version":"1"', '"version":"2"')), /a version of emu that/],
      [
        damaged('model', replaced(emu.fingerprint.slice(0, 4), 'beef')),
        /saved with the model emu-mini as it was/,
      ],
      [
        damaged('cached', replaced('keys.0', 'keys.9')),
        /damaged: keys\.0 is not what it should be/,
      ],
    ];
    for (const [file, says] of cases) {
      const error = await failure(() => chat.restore(file));
      assert.instance(error, InputError);
      assert.match(error.message, says);
      assert.ok(error.message.startsWith(`${file}: `) && !error.message.includes('\n'));
    }
    assert.is(tf.memory().numTensors, held);
    const after = await chat.restore(good);
    assert.equal(after, status, 'a failed restore changes nothing');

    const nowhere = path.join(folder, 'no', 'chat.safetensors');
    assert.match((await failure(() => chat.save(nowhere))).message, /its folder does not exist/);
    assert.not.ok(readdirSync(folder).some((name) => name.endsWith('.tmp')));
    await chat.close();
  },
);

onQuickest('a past that is told turn by turn is known as if it had been led here', async (emu) => {
  const [led, told] = [new EmuChat(emu), new EmuChat(emu)];
  await led.begin('look!');
  const first = await led.ask([shown, what], short, ignore);
  const {drawing} = await led.draw([text('a tiger')], {steps: 2, seed: 5}, ignore);
  const third = await led.ask([text('what is this?')], short, ignore);

  await told.begin('look!');
  const status = await told.recall([
    {parts: [shown, what], answer: {type: 'text', ...first}},
    {parts: [text('a tiger')], answer: {type: 'image', picture: drawing!.picture}},
    // Without ids, as of another model's answer: its text is read again.
    {parts: [what], answer: {type: 'text', text: `${third.text}</s>`}},
  ]);
  const {cacheBytes: _, ...place} = third.status;
  assert.equal({...status, cacheBytes: undefined}, {...place, cacheBytes: undefined});
  const next = [text('what color is the background?')];
  const [ledOn, toldOn] = [await led.ask(next, short, ignore), await told.ask(next, short, ignore)];
  assert.equal(toldOn.tokens, ledOn.tokens);
  assert.ok(toldOn.newPromptTokens > ledOn.newPromptTokens, 'the past is computed with it');

  // More than fits: the oldest turns go.
  await told.begin();
  const many = Array.from({length: 12}, () => ({
    parts: [shown, what],
    answer: {type: 'text' as const, text: 'a tiger'},
  }));
  const full = await told.recall(many);
  assert.is(full.turns + full.droppedTurns, 12);
  assert.ok(full.droppedTurns > 0 && full.contextTokens < full.contextLength);
  await led.close();
  await told.close();
});

onQuickest('what cannot be asked is told, and changes nothing', async (emu) => {
  const chat = new EmuChat(emu);
  const {status} = await chat.ask([shown, what], short, ignore);
  await failure(() => chat.draw([shown], {steps: 5000}, ignore)); // loads what draws
  const held = tf.memory().numTensors;
  const long = text('what '.repeat(240));
  const cases: [() => Promise<unknown>, RegExp][] = [
    [() => chat.ask([text(' ')], {}, ignore), /expected a text or a picture/],
    [() => chat.ask([text('say </s> now')], {}, ignore), /"<\/s>", which is a sign/],
    [() => chat.begin('an <image> comes'), /the system text holds "<image>"/],
    [() => chat.ask([long], {}, ignore), /the turn has 2\d\d tokens .* context is 256/],
    [() => chat.draw([long], {}, ignore), /the turn has 2\d\d tokens/],
    [() => chat.ask([shown, what], {numBeams: 0}, ignore), /numBeams/],
    [() => chat.draw([shown], {steps: 5000}, ignore), /5000 steps/],
  ];
  for (const [run, says] of cases) {
    const error = await failure(run);
    assert.ok(error instanceof PromptError || error.reason === 'usage');
    assert.match(error.message, says);
  }
  assert.is(tf.memory().numTensors, held);
  assert.equal(await chat.rewind(1), status);
  await chat.close();
});

test('a pretrained model goes on with one document', async () => {
  const emu = await Emu.load(mini, {backend: quickest.backend, mode: 'pretrain'});
  const chat = new EmuChat(emu);
  const first = await chat.ask([shown], short, ignore);
  assert.is(first.tokens.at(-1), emu.tokenizer.ids.eos);
  const second = await chat.ask([text('it is'), shown], short, ignore);
  const prompt = `[image]${first.text} it is[image]`;
  const expected = await afterPrompt(emu, prompt, [shown, shown], 1);
  assert.equal(second.tokens, expected.tokens);
  await chat.close();
  emu.close();
});

test.run();
