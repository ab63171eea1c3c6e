import {spawnSync} from 'node:child_process';
import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {assertFailure, finished, root, runEmu, startEmu} from './runEmu.js';

const test = suite('launcher');
const {version} = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
// `train/pretrain.ts` is `emu train pretrain`, `eval/index.ts` is `emu eval`, `index/index.ts` is `emu index`.
const commands = readdirSync(path.join(root, 'src/commands'), {recursive: true})
  .map(String)
  .filter((file) => file.endsWith('.ts'))
  .map((file) =>
    file
      .replace(/\.ts$/, '')
      .split(path.sep)
      .filter((word, i) => i === 0 || word !== 'index'),
  );
// `emu help --help` is the manual of emu.
const manuals = commands.filter(([word]) => word !== 'help');

test('--version names the version and nothing else', async () => {
  const {code, stdout, stderr} = await runEmu(['--version']);
  assert.is(code, 0);
  assert.is(stdout, `emu ${version}\n`);
  assert.is(stderr, '');
});

/** Milliseconds of the quickest of several runs: what other processes do is not measured. */
function quickest(args: string[]): number {
  const times = Array.from({length: 12}, () => {
    const start = performance.now();
    spawnSync(process.execPath, args, {stdio: 'ignore'});
    return performance.now() - start;
  });
  return Math.min(...times);
}

test('--version takes at most 2.5 times as long as node alone', () => {
  const node = quickest(['-e', '0']);
  const emu = quickest([path.join(root, 'bin/emu'), '--version']);
  assert.ok(emu <= 2.5 * node, `emu ${emu.toFixed(0)} ms, node ${node.toFixed(0)} ms`);
});

test('without a command it shows the manual', async () => {
  const {code, stdout, stderr} = await runEmu([]);
  assert.is(code, 0);
  assert.is(stderr, '');
  for (const [word] of commands) assert.match(stdout, new RegExp(`^  ${word} `, 'm'));
});

test('every command has a manual, by --help, -h and `help COMMAND`', async () => {
  for (const command of manuals) {
    const {code, stdout, stderr} = await runEmu([...command, '--help']);
    assert.is(code, 0, command.join(' '));
    assert.is(stderr, '');
    assert.match(stdout, /\nUSAGE\n {2}\$ emu /);
    assert.match(stdout, /\nEXAMPLES\n/);
  }
  const long = await runEmu(['caption', '--help']);
  assert.is((await runEmu(['caption', '-h'])).stdout, long.stdout);
  assert.is((await runEmu(['help', 'caption'])).stdout, long.stdout);
});

test('`help exit-codes` lists them', async () => {
  const {code, stdout} = await runEmu(['help', 'exit-codes']);
  assert.is(code, 0);
  for (const exitCode of [0, 1, 2, 3, 4, 5, 6, 130])
    assert.match(stdout, new RegExp(`^ +${exitCode}  \\w`, 'm'));
});

test('an unknown command is wrong usage, with a guess', async () => {
  assertFailure(
    await runEmu(['capton']),
    2,
    /unknown command capton; did you mean `emu caption`\?/,
  );
  assertFailure(await runEmu(['xyzzy']), 2, /unknown command xyzzy; `emu help`/);
  assertFailure(await runEmu(['--nope']), 2, /unknown option --nope/);
  assertFailure(await runEmu(['help', 'xyzzy']), 2, /no manual for xyzzy/);
});

test('output that is no terminal has no colours', async () => {
  for (const env of [{}, {NO_COLOR: '1'}]) {
    const {stdout} = await runEmu(['vqa', '--help'], {env});
    assert.not(stdout.includes('\u001b'));
  }
});

test('a reader that stops reading is no error', async () => {
  const child = startEmu(['help']);
  child.stdout.destroy();
  const {code, stderr} = await finished(child);
  assert.is(code, 0);
  assert.is(stderr, '');
});

test('works from another folder', async () => {
  const {code, stdout} = await runEmu(['models', '--json'], {cwd: '/'});
  assert.is(code, 0);
  assert.ok(JSON.parse(stdout).models.some(({name}: {name: string}) => name === 'emu-mini'));
});

test.run();
