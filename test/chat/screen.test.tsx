// The screen, drawn by Ink on a stream that is no terminal but looks like one.
import {EventEmitter} from 'node:events';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {ChatInput} from '../../src/chat/chatInput.js';
import {enterLine} from '../../src/chat/commands.js';
import {planScreen, statusText} from '../../src/chat/screenPlan.js';
import {ChatSession} from '../../src/chat/session.js';
import type {ChatState} from '../../src/chat/state.js';
import {textWidth} from '../../src/chat/textWidth.js';
import type {PictureProtocol} from '../../src/cli/terminalPicture.js';
import {fixture} from '../cli/runEmu.js';
import {temporaryFolder} from '../support/temporary.js';
import {colouredPicture, FakeChatModel, type FakeOptions} from './fakeChatModel.js';

const test = suite('chat/screen');
// Ink draws nothing but the last frame there.
delete process.env.CI;
delete process.env.CONTINUOUS_INTEGRATION;
process.env.FORCE_COLOR = '0';
const {render} = await import('ink');
const {App} = await import('../../src/chat/App.js');

const ESC = '\x1b';

class FakeTerminal extends EventEmitter {
  readonly isTTY = true;
  written = '';

  constructor(
    public columns: number,
    public rows: number,
  ) {
    super();
  }

  write(text: string, done?: () => void): boolean {
    this.written += text;
    done?.();
    return true;
  }
}

function open(options: FakeOptions & {protocol?: PictureProtocol; size?: [number, number]} = {}) {
  const [columns, rows] = options.size ?? [80, 24];
  const terminal = new FakeTerminal(columns, rows);
  const session = new ChatSession({
    open: async () => new FakeChatModel(options),
    model: 'fake',
    root: temporaryFolder(),
    media: {frames: 3},
  });
  const context = {session, models: () => [], checkModel: () => {}, leave: () => {}};
  const input = new ChatInput({
    enter: () => {},
    stop: () => session.stop(),
    leave: () => {},
    pastePicture: () => {},
    columns: () => 40,
    models: () => [],
  });
  const {protocol = 'ascii'} = options;
  const app = render(
    <App session={session} input={input} protocol={protocol} memory={() => 123e6} />,
    {stdout: terminal as never, patchConsole: false, exitOnCtrlC: false},
  );
  const close = async () => {
    await session.leave();
    app.unmount();
  };
  return {terminal, session, input, close, enter: (line: string) => enterLine(context, line)};
}

/** Waits until the terminal was told something. */
async function shows(terminal: FakeTerminal, what: string | RegExp, from = 0): Promise<void> {
  const found = () => {
    const text = terminal.written.slice(from);
    return typeof what === 'string' ? text.includes(what) : what.test(text);
  };
  for (let i = 0; i < 400 && !found(); i++) await new Promise((r) => setTimeout(r, 10));
  assert.ok(found(), `expected ${what} in ${JSON.stringify(terminal.written.slice(from))}`);
}

const text = (character: string) => ({
  name: 'text',
  text: character,
  ctrl: false,
  alt: false,
  shift: false,
});

test('prompt, status line, and the real cursor at the caret', async () => {
  const {terminal, input, close} = open();
  await shows(terminal, 'fake · rules · 0 tokens, 1000 left · 123 MB · /help');
  const from = terminal.written.length;
  input.press(text('日本'));
  await shows(terminal, '› 日本', from);
  // Two rows up from below the status line, behind prompt and four columns of text; and visible.
  assert.ok(
    terminal.written.slice(from).includes(`${ESC}[2A${ESC}[7G${ESC}[?25h`),
    JSON.stringify(terminal.written.slice(from)),
  );
  await close();
});

test('an answer streams, then goes to the history once, with its question', async () => {
  const {terminal, enter, close} = open({pace: 60});
  await enter('one two three');
  await shows(terminal, /12\.5 tokens\/s/);
  assert.ok(/turn( 1:( one( two)?)?)? *\n/.test(terminal.written), 'a part of it was seen');
  assert.ok(terminal.written.includes(`${ESC}[?2026h`), 'synchronized output');
  assert.not(terminal.written.includes(`${ESC}[2J`), 'the screen is never cleared');
  const history = terminal.written.split('› one two three\n');
  assert.is(history.length, 2);
  await close();
});

test('half blocks stand in the history', async () => {
  const {terminal, enter, close} = open({protocol: 'half'});
  await enter('/draw an apple');
  await shows(terminal, 'drawn: an apple (seed 0)');
  assert.ok(terminal.written.split('▀').length > 100);
  await close();
});

test('kitty’s pictures are written past Ink, below the line that names them', async () => {
  const {terminal, enter, close} = open({protocol: 'kitty'});
  await enter(`${fixture('cat.jpg')} what is it?`);
  await enter('/draw an apple');
  await shows(terminal, 'drawn: an apple');
  await shows(terminal, /drawn: an apple[\s\S]*\x1b_G/);
  const order = ['[cat.jpg (451x300)]', `${ESC}_G`, 'turn 1:', '/draw an apple', 'drawn:'];
  let at = 0;
  for (const part of order) {
    const found = terminal.written.indexOf(part, at);
    assert.ok(found >= at, `${part} after ${at}`);
    at = found;
  }
  await close();
});

test('a failure is a line, and a new size is a new layout', async () => {
  const {terminal, session, enter, close} = open();
  await enter('/undo').catch((error) => session.fail(error));
  await shows(terminal, 'nothing was asked yet');
  const from = terminal.written.length;
  terminal.columns = 30;
  terminal.emit('resize');
  await shows(terminal, /fake · rules · \/help|fake · rules · 0 tok/, from);
  await close();
});

const idle: ChatState = {
  id: 'x',
  model: {name: 'fake', phase: 'ready', info: undefined},
  entries: [],
  live: undefined,
  queued: [],
  pending: [],
  status: undefined,
  tokensPerSecond: undefined,
  draft: undefined,
  isLeaving: false,
};

function typed(written: string) {
  const input = new ChatInput({
    enter: () => {},
    stop: () => false,
    leave: () => {},
    pastePicture: () => {},
    columns: () => 40,
    models: () => [],
  });
  input.press(text(written));
  return input.state;
}

test('what changes is always less high and less wide than the terminal', () => {
  const long = 'word 日本 '.repeat(400);
  const status = {
    turns: 2,
    droppedTurns: 1,
    contextTokens: 950,
    contextLength: 1000,
    cacheBytes: 1,
  };
  const media = {
    type: 'image' as const,
    source: 'cat.png',
    files: ['a'],
    width: 10,
    height: 10,
    exif: true,
  };
  const lives: ChatState['live'][] = [
    undefined,
    {type: 'answer', text: long},
    {type: 'drawing', step: 3, steps: 50, preview: colouredPicture(1)},
  ];
  const preview = Array.from({length: 16}, () => '#'.repeat(32)).join('\n');
  for (const [columns, rows] of [[80, 24], [200, 50], [20, 6], [10, 3]] as const)
    for (const live of lives)
      for (const written of ['', 'short', long, `${long}\n`.repeat(10)]) {
        const state = {...idle, live, status, queued: [long, long, long], pending: [media, media]};
        const plan = planScreen(state, typed(written), {columns, rows}, 1e9, preview);
        const where = `${columns}x${rows} ${live?.type} ${written.length}`;
        assert.ok(plan.rows.length <= Math.max(3, rows - 2), `${where}: ${plan.rows.length} rows`);
        assert.ok(plan.cursor.y < plan.rows.length && plan.cursor.y >= 0, where);
        assert.ok(plan.cursor.x < Math.max(columns, 8), `${where}: column ${plan.cursor.x}`);
        for (const row of plan.rows)
          if (row.style !== 'coloured' && columns >= 20)
            assert.ok(textWidth(row.text) < columns, `${where}: ${row.text}`);
        assert.is(plan.rows[plan.cursor.y]!.style, 'prompt', where);
      }
});

test('the end of a long answer is what is seen', () => {
  const answer = Array.from({length: 100}, (_, i) => `line ${i}`).join('\n');
  const state = {...idle, live: {type: 'answer' as const, text: answer}};
  const {rows} = planScreen(state, typed(''), {columns: 80, rows: 24}, 1e8);
  const seen = rows.map((row) => row.text);
  assert.ok(seen.includes('line 99'));
  assert.not(seen.includes('line 70'));
});

test('the status line leaves out what does not fit, and warns of a full context', () => {
  const status = {turns: 1, droppedTurns: 2, contextTokens: 900, contextLength: 1000, cacheBytes: 1};
  const state = {...idle, status, tokensPerSecond: 3.14};
  assert.is(
    statusText(state, 2e8, 100),
    'fake · 900 tokens, 100 left · 2 turns dropped · 3.1 tokens/s · 200 MB · /help',
  );
  assert.is(statusText(state, 2e8, 45), 'fake · 900 tokens, 100 left · /help');
  const {rows} = planScreen(state, typed(''), {columns: 80, rows: 24}, 1e8);
  assert.is(rows.at(-1)!.style, 'warning');
});

test.run();
