// A whole conversation with emu-mini as a person has it: on a terminal of two sizes, and with pipes.
import {existsSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {cleanEnvironment, fixture, root, runEmu} from '../cli/runEmu.js';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';
import {hasTmux, Tmux} from '../support/tmux.js';

const test = suite('chat/tmux');
const cat = fixture('cat.jpg');
const emu = `'${process.execPath}' '${path.join(root, 'bin', 'emu')}'`;
const shortest = (path_: string) => path.relative(root, path_);

/** The two cores may be shared with other tests: `bench chatScreen` measures, this finds a screen that hangs. */
const MAX_START_MS = 10_000;
const MAX_KEY_MS = 1000;

function environment(home: string): NodeJS.ProcessEnv {
  const {CI: _, CONTINUOUS_INTEGRATION: __, TMUX: ___, ...env} = cleanEnvironment();
  return {...env, EMU_HOME: home, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8'};
}

const status = (lines: string[]) => lines.findLast((line) => line.startsWith('emu-mini · ')) ?? '';
const tokens = (lines: string[]) => Number(/(\d+) tokens,/.exec(status(lines))?.[1] ?? -1);
const isIdle = (lines: string[]) => /\/help$/.test(status(lines)) && tokens(lines) >= 0;
const row = (lines: string[], text: string) => lines.findIndex((line) => line.includes(text));

/** Asks, waits for the answer, returns the screen. */
async function ask(terminal: Tmux, line: string): Promise<string[]> {
  const before = tokens(terminal.screen());
  terminal.type(line);
  terminal.press('Enter');
  await terminal.until(
    `an answer to ${line}`,
    (lines) => isIdle(lines) && tokens(lines) !== before && row(lines, `› ${line}`) >= 0,
  );
  return terminal.screen();
}

/** The caret stands behind the prompt of the input, above the status line. */
function assertCaret(terminal: Tmux, typed = ''): void {
  const lines = terminal.screen();
  const {x, y} = terminal.cursor();
  assert.is(lines[y], `› ${typed}`.trimEnd(), lines.join('\n'));
  assert.is(x, 2 + typed.length);
  assert.match(lines[y + 1]!, /^emu-mini · /);
}

if (!hasTmux) {
  skip(test, 'a conversation on a terminal', 'needs tmux');
} else {
  for (const size of [
    [80, 24],
    [200, 50],
  ] as const) {
    test(`a conversation on a terminal of ${size.join('x')}`, async () => {
      const home = temporaryFolder();
      const exported = path.join(home, 'chat.md');
      const env = environment(home);
      let terminal = new Tmux(`cd '${root}' && ${emu} chat; echo left $?`, size, env);
      const started = await terminal.until('the prompt', (lines) => lines.includes('›'));
      assert.ok(started < MAX_START_MS, `the prompt came after ${started} ms`);
      await terminal.until('the model', isIdle);
      assertCaret(terminal);

      terminal.type(`/image ${shortest(cat)}`);
      terminal.press('Enter');
      await terminal.until(
        'the picture',
        (lines) => row(lines, 'attached: cat.jpg (451x300)') >= 0,
      );
      await terminal.until(
        'what goes with the next question',
        (lines) => row(lines, 'with the next question: cat.jpg') >= 0,
      );

      const question = 'What is in the picture?';
      terminal.type(question);
      terminal.press('Enter');
      await terminal.until('an answer', (lines) => isIdle(lines) && tokens(lines) > 0);
      let lines = terminal.screen();
      const asked = row(lines, `› [cat.jpg (451x300)] ${question}`);
      assert.ok(asked >= 0, lines.join('\n'));
      assert.match(lines[asked + 1]!, /^▀{20}$/);
      const answer = lines.findIndex((line, i) => i > asked && !line.startsWith('▀'));
      assert.match(lines[answer]!, /\w/);
      assert.match(status(lines), /\d tokens\/s|left/);
      assertCaret(terminal);

      lines = await ask(terminal, 'What colour is it?');
      assert.match(lines[row(lines, '› What colour is it?') + 1]!, /\w/);

      // Typing goes on while it draws.
      terminal.type('/draw --steps 300 a tomato');
      terminal.press('Enter');
      await terminal.until('the drawing', (seen) => row(seen, 'step ') >= 0);
      let typed = '';
      for (const letter of 'What') {
        typed += letter;
        terminal.type(letter);
        const waited = await terminal.until(`› ${typed}`, (seen) => seen.includes(`› ${typed}`), {
          every: 5,
        });
        assert.ok(waited < MAX_KEY_MS, `a key was seen after ${waited} ms`);
      }
      assertCaret(terminal, typed);
      terminal.press('Escape');
      await terminal.until('that it stopped', (seen) => row(seen, 'stopped; the question') >= 0);
      terminal.press('C-u');

      terminal.type('/draw a tomato');
      terminal.press('Enter');
      await terminal.until('the drawing', (seen) => isIdle(seen) && row(seen, 'drawn: a') >= 0);
      lines = terminal.screen();
      const drawn = row(lines, 'drawn: a tomato (seed 0)');
      assert.match(lines[drawn + 1]!, /^▀{30,}$/, lines.join('\n'));
      assert.ok(lines.length >= size[1] && status(lines) !== '', 'the screen is not overdrawn');
      assertCaret(terminal);

      terminal.type(`/export ${exported}`);
      terminal.press('Enter');
      await terminal.until('the export', (seen) => row(seen, 'with 2 pictures') >= 0);
      const links = [...readFileSync(exported, 'utf8').matchAll(/\(<(.*)>\)/g)];
      assert.is(links.length, 2);
      for (const [, link] of links) assert.ok(existsSync(path.join(home, link!)), link);

      terminal.type('/quit');
      terminal.press('Enter');
      await terminal.until('the end', (seen) => seen.includes('left 0'));
      const all = terminal.screen(true);
      // Once, and nothing of it was wiped; the input and the status line are gone.
      for (const said of ['What colour is it?', 'drawn: a tomato'])
        assert.is(all.filter((line) => line.includes(said)).length, 1, all.join('\n'));
      assert.ok(all.some((line) => /emu chat --resume \S+` goes on/.test(line)));
      assert.is(status(all), '');
      terminal.close();

      terminal = new Tmux(`cd '${root}' && ${emu} chat --continue; echo left $?`, size, env);
      await terminal.until('the chat as it was', (seen) => isIdle(seen) && tokens(seen) > 0);
      lines = terminal.screen(true);
      assert.ok(row(lines, '› What colour is it?') >= 0, lines.join('\n'));
      assert.ok(row(lines, 'drawn: a tomato') >= 0);
      assert.is(row(lines, 'computed again'), -1, 'the cache is used');
      terminal.resize(60, 20);
      lines = await ask(terminal, 'What is it?');
      assert.match(lines[row(lines, '› What is it?') + 1]!, /\w/);
      assertCaret(terminal);
      terminal.press('C-c', 'C-c');
      await terminal.until('the end', (seen) => seen.includes('left 0'));
      terminal.close();
    });
  }

  test('a terminal whose output is piped gets lines', async () => {
    const home = temporaryFolder();
    const terminal = new Tmux(
      `cd '${root}' && ${emu} chat | sed 's/^/out: /'; echo left`,
      [80, 24],
      environment(home),
    );
    await terminal.until('the prompt', (lines) => lines.includes('>'));
    terminal.type(`${shortest(cat)} What is in the picture?`);
    terminal.press('Enter');
    await terminal.until('the next prompt', (lines) => lines.filter((l) => l === '>').length > 0);
    terminal.press('C-d');
    await terminal.until('the end', (lines) => lines.includes('left'));
    const lines = terminal.screen();
    assert.is(lines.filter((line) => /^out: \w/.test(line)).length, 1, lines.join('\n'));
    terminal.close();
  });
}

test('the same conversation with pipes, and gone on with', async () => {
  const home = temporaryFolder();
  const env = {EMU_HOME: home};
  const exported = path.join(home, 'chat.md');
  const said = [
    `/image ${cat}`,
    'What is in the picture?',
    'What colour is it?',
    '/draw a tomato',
    `/export ${exported}`,
  ];
  const first = await runEmu(['chat', '--json'], {env, stdin: Buffer.from(said.join('\n'))});
  assert.is(first.code, 0, first.stderr);
  const [answer, colour, drawing, ...rest] = first.stdout.split('\n');
  assert.equal(rest, ['']);
  assert.match(JSON.parse(answer!).text, /\w/);
  const {newPromptTokens, context} = JSON.parse(colour!);
  assert.ok(newPromptTokens < 20 && context.tokens > 40, `${newPromptTokens} of ${context.tokens}`);
  assert.ok(existsSync(JSON.parse(drawing!).images[0].path));
  assert.ok(existsSync(exported));

  const next = await runEmu(['chat', '--continue', '-p', 'What is it?', '--json'], {env});
  assert.is(next.code, 0, next.stderr);
  assert.is(next.stderr, '');
  const resumed = JSON.parse(next.stdout);
  assert.match(resumed.text, /\w/);
  // The saved cache: its past is not computed again.
  assert.ok(resumed.newPromptTokens < 60, `${resumed.newPromptTokens} tokens were computed`);
  assert.ok(resumed.context.tokens > context.tokens);
  const {stdout} = await runEmu(['chat', '--list', '--json'], {env});
  assert.is(JSON.parse(stdout).turns, 4);
});

test.run();
