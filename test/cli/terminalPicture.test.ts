import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {Random} from '../../src/random.js';
import {cellsOf, pictureProtocol, showPicture} from '../../src/cli/terminalPicture.js';

const readable = (text: string) => text.replaceAll('\x1b', '<ESC>').replaceAll('\x07', '<BEL>');

const test = suite('pictures in the terminal');
/** Red above, blue below. */
const picture = {
  width: 2,
  height: 2,
  data: Uint8Array.of(255, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 255),
};
const box = {columns: 2, rows: 1};

test('which protocol a terminal understands', () => {
  const cases: [NodeJS.ProcessEnv, string][] = [
    [{TERM: 'xterm-256color'}, 'half'],
    [{TERM: 'xterm-256color', NO_COLOR: '1'}, 'ascii'],
    [{TERM: 'xterm-kitty'}, 'kitty'],
    [{TERM: 'xterm-256color', KITTY_WINDOW_ID: '1'}, 'kitty'],
    [{TERM: 'xterm-ghostty'}, 'kitty'],
    [{TERM: 'screen-256color', KITTY_WINDOW_ID: '1', TMUX: '/tmp/x'}, 'half'],
    [{TERM_PROGRAM: 'iTerm.app'}, 'iterm2'],
    [{TERM_PROGRAM: 'WezTerm'}, 'iterm2'],
    [{TERM: 'foot'}, 'sixel'],
    [{TERM: 'foot', EMU_PICTURES: 'ascii'}, 'ascii'],
    [{EMU_PICTURES: 'nonsense'}, 'half'],
    [{}, 'half'],
  ];
  for (const [env, protocol] of cases) assert.is(pictureProtocol(env), protocol);
});

test('the cells of a picture keep its proportions', () => {
  const cells = (width: number, height: number) =>
    cellsOf({width, height, data: new Uint8Array()}, {columns: 40, rows: 20});
  assert.equal(cells(512, 512), {columns: 40, rows: 20});
  assert.equal(cells(1024, 512), {columns: 40, rows: 10});
  assert.equal(cells(100, 1000), {columns: 4, rows: 20});
  assert.equal(cells(10_000, 1), {columns: 40, rows: 1});
});

test('half blocks: the upper pixel in front, the lower one behind', async () => {
  const colours = {COLORTERM: 'truecolor'};
  const {text, rows} = await showPicture(picture, box, 'half', colours);
  assert.is(rows, 1);
  const cell = '\x1b[38;2;255;0;0;48;2;0;0;255m▀';
  assert.is(text, `${cell}${cell}\x1b[0m\n`);
  const few = await showPicture(picture, box, 'half', {});
  assert.is(few.text, '\x1b[38;5;196;48;5;21m▀\x1b[38;5;196;48;5;21m▀\x1b[0m\n');
});

test('characters alone', async () => {
  const white = {...picture, data: new Uint8Array(12).fill(255)};
  assert.is((await showPicture(white, box, 'ascii')).text, '@@\n');
});

test('kitty: a PNG in pieces, the cursor below it', async () => {
  const random = new Random(1);
  const data = Uint8Array.from({length: 30_000}, () => random.below(256));
  const large = {width: 100, height: 100, data};
  const {text, rows} = await showPicture(large, {columns: 10, rows: 5}, 'kitty');
  assert.is(rows, 5);
  const parts = [...readable(text).matchAll(/<ESC>_G([^;]*);([^<]*)<ESC>\\/g)];
  assert.ok(parts.length > 1);
  assert.is(parts[0]![1], 'a=T,f=100,q=2,C=1,c=10,r=5,m=1');
  assert.is(parts.at(-1)![1], 'm=0');
  const png = Buffer.from(parts.map(([, , part]) => part).join(''), 'base64');
  assert.is(png.toString('latin1', 1, 4), 'PNG');
  assert.match(text, /\n{5}$/);
});

test('iTerm2 and sixel', async () => {
  const iterm = await showPicture(picture, box, 'iterm2');
  assert.match(
    readable(iterm.text),
    /^<ESC>\]1337;File=inline=1;size=\d+;width=2;height=1:[A-Za-z0-9+/=]+<BEL>\n$/,
  );
  const sixel = await showPicture(picture, box, 'sixel');
  assert.match(readable(sixel.text), /^<ESC>P[\d;]*q"1;1;20;20.*<ESC>\\\n$/s);
});

test.run();
