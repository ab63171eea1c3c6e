// A chat through the model's thread: what streams, what stops one call and not the process.
import path from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import type {ChatPart} from '../../src/chat/chatModel.js';
import {EmuChat} from '../../src/chat/emuChat.js';
import {readImage} from '../../src/data/image.js';
import {Emu} from '../../src/emu.js';
import type {PromptError} from '../../src/text/prompt.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('chat/hosted');
const root = fileURLToPath(new URL('../../', import.meta.url));
// The thread runs what was built.
const built = (file: string) => import(pathToFileURL(path.join(root, 'dist', file)).href);
const {ModelHost} = (await built(
  'cli/modelHost.js',
)) as typeof import('../../src/cli/modelHost.js');
const {HostedChatModel} = (await built(
  'chat/hostedChatModel.js',
)) as typeof import('../../src/chat/hostedChatModel.js');

const picture = await readImage(path.join(root, 'fixtures/streamline-tiger.png'));
const what: ChatPart = {type: 'text', text: 'what is this?'};
const shown: readonly ChatPart[] = [{type: 'image', picture}, what];
const file = path.join(temporaryFolder(), 'chat.safetensors');
const ignore = () => {};

const host = await ModelHost.start();
await host.call('load', {model: 'emu-mini', options: {}});
const chat = await HostedChatModel.open(host);
const emu = await Emu.load('emu-mini');
const own = new EmuChat(emu);

test('does as a chat of this thread does', async () => {
  assert.equal(chat.info, own.info);
  const both = [chat, own].map(async (each) => {
    await each.begin('look!');
    const streamed: string[] = [];
    const {text, tokens, status} = await each.ask(shown, {}, (delta) => streamed.push(delta));
    assert.is(streamed.join(''), text);
    const events: string[] = [];
    const {drawing} = await each.draw([what], {steps: 2, preview: true}, (event) => {
      events.push(event.type);
      if (event.type === 'step' && event.step === 1) assert.ok(event.preview);
    });
    assert.is(events.at(-1), 'picture');
    const again = await each.ask([what], {numBeams: 2}, ignore);
    const back = await each.rewind(1);
    return {text, tokens, status, drawing, again: again.tokens, back};
  });
  const [hosted, direct] = await Promise.all(both);
  assert.equal(hosted, direct);
});

test('errors come across, and the chat goes on', async () => {
  const failing = chat.ask([], {}, ignore);
  await failing.then(
    () => assert.unreachable(),
    (error) => assert.match((error as PromptError).message, /expected a text or a picture/),
  );
  assert.is((await chat.rewind(1)).turns, 1);
});

test('a call that is stopped ends soon, at any moment, and leaves the chat whole', async () => {
  const ways = [{}, {numBeams: 4}, {sample: true, temperature: 3}];
  let [stopped, midway] = [0, 0];
  for (let i = 0; i < 24; i++) {
    if (i % 8 === 0) await chat.begin();
    const controller = new AbortController();
    const options = {...ways[i % 3], maxTokens: 40};
    // Some before it begins, some while the picture is encoded, some at a token.
    if (i % 4 === 3) controller.abort();
    else setTimeout(() => controller.abort(), i / 3);
    const onText = () => {
      if (i % 4 === 2) controller.abort();
    };
    const before = await chat.rewind(Math.min(i % 8, 3)).catch(() => undefined);
    const parts = i % 2 === 0 ? shown : [what];
    const {isStopped, tokens, status} = await chat.ask(parts, options, onText, controller.signal);
    if (isStopped) stopped++;
    if (isStopped && tokens.length > 0) midway++;
    if (before) assert.is(status.turns, before.turns + (tokens.length > 0 ? 1 : 0));
    // What the cache holds by now, against the same ids computed anew.
    await chat.save(file, {cache: false});
    await own.restore(file);
    const next = [chat, own].map((each) => each.ask([what], {maxTokens: 8}, ignore));
    const [kept, anew] = await Promise.all(next);
    assert.equal(kept!.tokens, anew!.tokens, `try ${i}`);
  }
  assert.ok(stopped >= 6, `${stopped} of 24 stopped`);
  assert.ok(midway >= 1, 'one of them within its answer');
});

test('a drawing stops within a step', async () => {
  const controller = new AbortController();
  const {turns} = await chat.begin();
  const start = performance.now();
  const drawn = await chat.draw([what], {steps: 900}, () => controller.abort(), controller.signal);
  assert.equal([drawn.isStopped, drawn.drawing, drawn.status.turns], [true, undefined, turns]);
  assert.ok(performance.now() - start < 20_000);
  assert.is((await chat.ask([what], {maxTokens: 3}, ignore)).isStopped, false);
});

test('the thread ends', async () => {
  await chat.close();
  await host.close();
  await own.close();
  emu.close();
});

test.run();
