// What a person at a terminal sees; `script` makes one.
import {spawnSync} from 'node:child_process';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {skip} from '../support/skip.js';
import {temporaryFolder} from '../support/temporary.js';
import {writeRandomModel} from './randomModel.js';
import {fixture, root} from './runEmu.js';

const test = suite('cli/terminal');
const ESC = '\u001b';
const SHOW_CURSOR = `${ESC}[?25h`;
const HIDE_CURSOR = `${ESC}[?25l`;

/** What the terminal got; stdout and stderr are both on it. */
function onTerminal(args: readonly string[]): string {
  const command = [process.execPath, path.join(root, 'bin/emu'), ...args]
    .map((word) => `'${word}'`)
    .join(' ');
  const {stdout} = spawnSync('script', ['-qec', command, '/dev/null'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {...process.env, TERM: 'xterm'},
  });
  return stdout;
}

if (spawnSync('script', ['-qec', 'true', '/dev/null']).status !== 0) {
  skip(test, 'progress', 'needs the program `script` (util-linux)');
} else {
  const model = writeRandomModel(path.join(temporaryFolder(), 'model'));
  const flags = ['--model', model, '--max-tokens', '4'];

  test('progress is drawn, and wiped before an answer or an error is printed', () => {
    const bad = fixture('not-an-image.png');
    const seen = onTerminal(['caption', bad, fixture('cat.jpg'), ...flags]);
    assert.ok(seen.includes('loading the model'));
    assert.ok(seen.includes(`${ESC}[2Kemu: ${bad}: is not a picture`), JSON.stringify(seen));
    assert.ok(/\[2K[a-z ]+\r\n$/.test(seen), JSON.stringify(seen));
    assert.ok(seen.lastIndexOf(SHOW_CURSOR) > seen.lastIndexOf(HIDE_CURSOR), 'the cursor is back');
  });

  test('--quiet and --json draw nothing', () => {
    for (const flag of ['--quiet', '--json']) {
      const seen = onTerminal(['caption', fixture('cat.jpg'), flag, ...flags]);
      assert.not(seen.includes(ESC), JSON.stringify(seen));
    }
  });
}

test.run();
