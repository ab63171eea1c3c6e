// A chat's logic, with a model that answers by rule: no React, no terminal.
import {appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {findMentions} from '../../src/chat/attachments.js';
import {enterLine} from '../../src/chat/commands.js';
import {answerLines, askOnce} from '../../src/chat/lineMode.js';
import {ChatSession} from '../../src/chat/session.js';
import {ChatStore, findChat, listChats} from '../../src/chat/store.js';
import {readPngTexts} from '../../src/data/png.js';
import {ModelError} from '../../src/errors.js';
import {fixture} from '../cli/runEmu.js';
import {throwsEmuError} from '../support/errors.js';
import {temporaryFolder} from '../support/temporary.js';
import {FakeChatModel, type FakeOptions} from './fakeChatModel.js';

const test = suite('chat/session');
// Each temporary folder is removed by a listener of its own.
process.setMaxListeners(50);
const cat = fixture('cat.jpg');

interface Sitting {
  readonly session: ChatSession;
  /** The models that were loaded, last one last. */
  readonly models: FakeChatModel[];
  readonly enter: (line: string) => Promise<void>;
  /** Texts of the entries of that type. */
  readonly seen: (type: string) => string[];
}

interface SittingOptions extends FakeOptions {
  readonly root?: string;
  readonly resume?: string | true;
  readonly system?: string;
  readonly model?: string;
  readonly open?: () => Promise<FakeChatModel>;
}

function sit(options: SittingOptions = {}): Sitting {
  const root = options.root ?? temporaryFolder();
  const models: FakeChatModel[] = [];
  const {resume, system, model = 'fake'} = options;
  const id = resume && findChat(root, resume === true ? undefined : resume);
  const session = new ChatSession({
    open: async (name) => {
      if (options.open) return options.open();
      models.push(new FakeChatModel({...options, name}));
      return models.at(-1)!;
    },
    model,
    root,
    ...(id === undefined ? {} : {resumed: ChatStore.open(root, id)}),
    ...(system === undefined ? {} : {system}),
    media: {frames: 3},
    answer: {numBeams: 5},
  });
  const context = {
    session,
    models: () => [{name: 'fake', draws: true}],
    checkModel: (name: string) => {
      if (name === 'nothing') throw new ModelError(name, 'no such model');
    },
    leave: () => {},
  };
  const seen = (type: string) =>
    session.state.entries.flatMap((entry) => {
      if (entry.type !== type) return [];
      if (entry.type === 'answer' || entry.type === 'note') return entry.text;
      return entry.type === 'error' ? entry.error.message : entry.type;
    });
  return {session, models, seen, enter: (line) => enterLine(context, line)};
}

test('a question that is asked before the model is loaded waits for it', async () => {
  let load = (_: FakeChatModel) => {};
  const loading = new Promise<FakeChatModel>((resolve) => {
    load = resolve;
  });
  const {session, enter, seen} = sit({open: () => loading});
  const asked = enter('hello');
  const next = enter('and then');
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.is(session.state.model.phase, 'loading');
  assert.equal(session.state.queued, ['and then']);
  load(new FakeChatModel());
  await Promise.all([asked, next]);
  assert.equal(seen('answer'), ['turn 1: hello', 'turn 2: and then']);
  assert.equal(session.state.queued, []);
  assert.is(session.state.live, undefined);
  await session.leave();
});

test('pictures and videos come by command, by path and by address', async () => {
  const {session, models, enter, seen} = sit();
  await enter(`/image ${cat}`);
  assert.equal(seen('note'), ['attached: cat.jpg (451x300)']);
  await enter('what is it?');
  await enter(`'${fixture('rocket.jpg')}' is larger than ${cat}?`);
  await enter(`/video ${fixture('anim-cat.webp')}`);
  await enter('what happens?');
  assert.equal(
    models[0]!.calls.filter((call) => call.startsWith('ask')),
    [
      'ask(<451x300> what is it?)',
      'ask(<320x214> is larger than <451x300> ?)',
      'ask(<video 3> what happens?)',
    ],
  );
  assert.equal(session.state.pending, []);
  await session.leave();
});

test('paths in a text, as terminals write them', () => {
  const folder = temporaryFolder();
  const file = path.join(folder, 'my cat.png');
  writeFileSync(file, '');
  const is = (text: string, ...expected: string[]) =>
    assert.equal(
      findMentions(text).map((found) => (found.type === 'text' ? found.text : `<${found.source}>`)),
      expected,
      text,
    );
  is(`${file.replace(' ', '\\ ')} what?`, `<${file}>`, 'what?');
  is(`what is in ${file}?`, 'what is in', `<${file}>`, '?');
  is(`"${file}" '${file}'`, `<${file}>`, `<${file}>`);
  is(pathToFileURL(file).href, `<${file}>`);
  is('see https://x.org/a.png, please', 'see', '<https://x.org/a.png>', ', please');
  is('see https://x.org/page please', 'see https://x.org/page please');
  is('a word.png that is no file', 'a word.png that is no file');
  is("it's a dog's life", "it's a dog's life");
  throwsEmuError(() => findMentions(`look at ${folder}/none.png`), /none\.png: no such file/);
});

test('a drawing is a file that says what it is, and /save copies it', async () => {
  const {session, enter} = sit();
  await enter('/draw --seed 7 a red apple');
  const drawn = session.state.entries.find(({type}) => type === 'drawing');
  assert.ok(drawn?.type === 'drawing' && drawn.seed === 7);
  assert.match(readPngTexts(readFileSync(drawn.file))!.parameters!, /^a red apple\nSeed: 7/);
  const copy = path.join(temporaryFolder(), 'apple.png');
  await enter(`/save ${copy}`);
  assert.equal(readFileSync(copy), readFileSync(drawn.file));
  await session.leave();
});

test('a model that cannot draw, an unknown command, a missing picture: one line each, nothing asked', async () => {
  const {session, models, enter} = sit();
  const fails = async (line: string, says: RegExp) => {
    try {
      await enter(line);
    } catch (error) {
      return assert.match((error as Error).message, says);
    }
    assert.unreachable(`${line} did not fail`);
  };
  await fails('/retyr', /did you mean \/retry/);
  await fails('/image', /expected a path/);
  await fails('/image none.png', /none\.png: no such file/);
  await fails('/undo', /nothing was asked/);
  await fails('/model nothing', /no such model/);
  await fails('/export', /nothing to export/);
  await fails('this is too long', /does not fit/);
  await enter('short');
  assert.equal(
    models[0]!.calls.filter((call) => /ask|rewind/.test(call)),
    ['ask(this is too long)', 'rewind(0)', 'ask(short)'],
  );
  await session.leave();
});

test('retry samples with a new seed, undo and edit go back', async () => {
  const {session, models, enter, seen} = sit();
  await enter('one');
  await enter(`${cat} two`);
  await enter('/retry');
  await enter('/retry');
  const [model] = models;
  assert.equal(model!.asked.slice(2), [
    {numBeams: 1, sample: true, seed: 1},
    {numBeams: 1, sample: true, seed: 2},
  ]);
  await enter('/edit');
  assert.is(session.state.draft?.text, 'two');
  assert.is(session.state.pending.length, 1);
  await enter('three');
  assert.is(model!.calls.at(-2), 'ask(<451x300> three)');
  await enter('/edit four');
  assert.is(seen('answer').at(-1), 'turn 2: <451x300> four');
  await enter('/undo');
  await enter('five');
  assert.is(seen('answer').at(-1), 'turn 2: five');
  await session.leave();
});

test('stop ends an answer, which stands as far as it came; before it begins the question comes back', async () => {
  const {session, enter, seen} = sit({pace: 15});
  const answering = enter('one two three four five six seven eight nine ten');
  while (session.state.live?.type !== 'answer' || session.state.live.text === '')
    await new Promise((resolve) => setTimeout(resolve, 2));
  assert.ok(session.stop());
  await answering;
  const [said] = seen('answer');
  assert.ok(said!.length > 0 && !said!.includes('ten'), said);
  const drawing = enter('/draw --steps 50 an apple');
  const live = () => session.state.live?.type;
  while (live() !== 'drawing') await new Promise((r) => setTimeout(r, 2));
  session.stop();
  await drawing;
  assert.is(session.state.draft?.text, '/draw an apple');
  assert.not(session.stop());
  assert.is(session.conversation.turns.length, 1);
  await session.leave();
});

test('the context fills up: said before, and dropped turns are counted', async () => {
  const {session, enter, seen, models} = sit({contextLength: 40});
  await enter('a b c d e f g h i j k l m n');
  await enter('a b c');
  assert.match(seen('note').at(-1)!, /fills up/);
  await enter('a b c d e f g h i j');
  assert.match(seen('note').at(-1)!, /oldest turn is no longer known/);
  await enter('/undo');
  assert.is(models[0]!.calls.at(-1), 'rewind(1)');
  assert.is(session.state.status?.turns, 1);
  await session.leave();
});

test('a chat goes on from its cache; without it the past is computed again, said once', async () => {
  const root = temporaryFolder();
  const first = sit({root});
  await first.enter(`${cat} one`);
  await first.enter('/draw an apple');
  await first.session.leave();
  const [id] = readdirSync(root);

  const second = sit({root, resume: true});
  await second.session.ready;
  assert.equal(second.models[0]!.calls, ['restore']);
  await second.enter('three');
  assert.is(second.seen('answer').at(-1), 'turn 3: three');
  assert.equal(second.seen('drawing').length, 1);
  await second.session.leave();

  second.session.conversation.store.dropCache();
  const third = sit({root, resume: id!.slice(0, 12)});
  await third.session.ready;
  assert.equal(third.models[0]!.calls, ['begin()', 'recall(<451x300> one | an apple | three)']);
  assert.is(third.seen('note').filter((text) => /computed again/.test(text)).length, 1);
  await third.session.leave();

  const other = sit({root, resume: true, model: 'other', system: 'Be brief.'});
  await other.session.ready;
  assert.is(other.models[0]!.system, 'Be brief.');
  assert.match(other.models[0]!.calls.at(-1)!, /^recall/);
  await other.session.leave();
});

test('another model and another system text know the past', async () => {
  const {session, models, enter} = sit();
  await enter('one');
  await enter('/model other');
  assert.match(models[1]!.calls.at(-1)!, /^recall\(one\)/);
  await enter('/system Be brief.');
  assert.equal(models[1]!.calls.slice(-2), ['begin(Be brief.)', 'recall(one)']);
  await enter('/clear');
  assert.is(models[1]!.calls.at(-1), 'begin(Be brief.)');
  assert.is(session.conversation.turns.length, 0);
  await session.leave();
});

test('a kill loses at most the answer that is being written', async () => {
  const root = temporaryFolder();
  const {session, enter} = sit({root, pace: 20});
  await enter('one');
  const cut = enter(`${cat} two`);
  while (session.state.live?.type !== 'answer') await new Promise((r) => setTimeout(r, 2));
  // What a killed process leaves: the question, half of a line, its lock.
  const copy = temporaryFolder();
  const from = session.conversation.store.folder;
  const to = path.join(copy, session.state.id);
  const {cpSync} = await import('node:fs');
  cpSync(from, to, {recursive: true});
  appendFileSync(path.join(to, 'chat.jsonl'), '{"type":"answer","ans');
  writeFileSync(path.join(to, 'lock'), '999999999\n');
  await cut;
  await session.leave();

  const resumed = sit({root: copy, resume: true});
  await resumed.session.ready;
  assert.equal(resumed.seen('answer'), ['turn 1: one']);
  assert.is(resumed.session.state.draft?.text, 'two');
  assert.is(resumed.session.state.pending.length, 1);
  await resumed.enter('two again');
  await resumed.session.leave();
  const again = sit({root: copy, resume: true});
  await again.session.ready;
  assert.equal(again.seen('answer'), ['turn 1: one', 'turn 2: <451x300> two again']);
  // Another emu may not write to it meanwhile.
  writeFileSync(path.join(to, 'lock'), `${process.ppid}\n`);
  throwsEmuError(() => ChatStore.open(copy, session.state.id), /is open in another emu/);
  writeFileSync(path.join(to, 'lock'), `${process.pid}\n`);
  await again.session.leave();
});

test('chats are listed, damaged ones told; a chat without a turn leaves nothing', async () => {
  const root = temporaryFolder();
  const {session, enter} = sit({root});
  await enter('one');
  await enter('/save about one');
  await session.leave();
  const empty = sit({root});
  await empty.enter(`/image ${cat}`);
  await empty.session.leave();
  assert.is(readdirSync(root).length, 1);
  const [listed] = listChats(root, (error) => assert.unreachable(String(error)));
  assert.equal([listed!.id, listed!.turns, listed!.title], [session.state.id, 1, 'about one']);
  const file = path.join(root, session.state.id, 'chat.jsonl');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"wants":"text"', '"wants":"poem"'));
  const problems: string[] = [];
  assert.equal(
    listChats(root, (error) => problems.push((error as Error).message)),
    [],
  );
  assert.match(problems[0]!, /chat\.jsonl: line 2 is damaged/);
  throwsEmuError(() => findChat(temporaryFolder(), undefined), /no chat to go on with/);
  throwsEmuError(() => findChat(root, 'x'), /no such chat/);
});

test('a large cache is written when the chat is left, before that what it comes from', async () => {
  const {session, models, enter} = sit({cacheBytes: 1e9});
  await enter('one');
  assert.is(models[0]!.calls.at(-1), 'save without cache');
  await session.leave();
  assert.equal(models[0]!.calls.slice(-2), ['save', 'close']);
});

test('export writes Markdown and the pictures', async () => {
  const file = path.join(temporaryFolder(), 'chat.md');
  const {session, enter} = sit();
  await enter(`${cat} what [is] it?`);
  await enter('/draw a [red] apple');
  await enter(`/export ${file}`);
  const text = readFileSync(file, 'utf8');
  const links = [...text.matchAll(/!\[(.*)\]\(<(.*)>\)/g)];
  assert.equal(
    links.map(([, alt]) => alt),
    ['cat.jpg', 'a \\[red\\] apple'],
  );
  for (const [, , link] of links) assert.ok(existsSync(path.join(path.dirname(file), link!)), link);
  assert.match(text, /## You\n\n!.*\n\nwhat \[is\] it\?\n\n## fake\n\nturn 1/);
  await session.leave();
});

async function* lines(...texts: string[]) {
  yield texts.map((text) => `${text}\n`).join('');
}

test('line mode: an answer a line, failures told, the next line goes on', async () => {
  const {Readable} = await import('node:stream');
  const {session} = sit({says: (text) => `said ${text}\nin two lines`});
  let printed = '';
  const notes: string[] = [];
  const failures: string[] = [];
  const out = {
    json: false,
    foldsLines: true,
    write: (text: string) => {
      printed += text;
    },
    note: (text: string) => notes.push(text),
    fail: (error: unknown) => failures.push((error as Error).message),
  };
  const context = {session, models: () => [], checkModel: () => {}};
  const input = lines(
    'one',
    '',
    '/bad',
    `/image ${cat}`,
    'two \\',
    'rows',
    '/draw an apple',
    '/quit',
    'x',
  );
  await answerLines(context, {stream: Readable.from(input)}, out);
  const [first, second, third, ...rest] = printed.split('\n');
  assert.is(first, 'said one in two lines');
  assert.is(second, 'said <451x300> two rows in two lines');
  assert.ok(existsSync(third!), third);
  assert.equal(rest, ['']);
  assert.equal(notes, ['attached: cat.jpg (451x300)']);
  assert.equal(failures, ['unknown command /bad; /help lists them']);

  printed = '';
  await askOnce({...context, leave: () => {}}, 'once', {...out, foldsLines: false});
  assert.is(printed, 'said once\nin two lines\n');
  printed = '';
  await askOnce({...context, leave: () => {}}, 'json', {...out, json: true});
  const answer = JSON.parse(printed);
  assert.equal([answer.text, answer.model], ['said json\nin two lines', 'fake']);
  await session.leave();
});

test.run();
