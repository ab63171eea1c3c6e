// `emu config`, what commands take from it, and completion for shells.
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {readSettings, settingName, writeSetting} from '../../src/cli/settings.js';
import {writeRandomModel} from '../cli/randomModel.js';
import {assertFailure, fixture, runEmu} from '../cli/runEmu.js';
import {throwsEmuError} from '../support/errors.js';
import {temporaryFolder} from '../support/temporary.js';

const test = suite('commands/config');
const home = temporaryFolder();
const folder = path.join(home, 'emu');
const file = path.join(folder, 'config.json');
const env = {XDG_CONFIG_HOME: home, XDG_CACHE_HOME: path.join(home, 'cache'), SHELL: '/bin/bash'};
const emu = (...args: string[]) => runEmu(args, {env});

test('settings are kept in the file, and what cannot be is refused', () => {
  assert.equal(readSettings(folder), {});
  writeSetting(folder, 'threads', '3');
  writeSetting(folder, 'model', './models/mine');
  assert.equal(readSettings(folder), {threads: 3, model: path.resolve('models/mine')});
  writeSetting(folder, 'model', undefined);
  assert.equal(JSON.parse(readFileSync(file, 'utf8')), {threads: 3});
  throwsEmuError(() => writeSetting(folder, 'threads', 'many'), /^threads many: /);
  throwsEmuError(() => writeSetting(folder, 'threads', '2000'), /^threads 2000: /);
  throwsEmuError(() => writeSetting(folder, 'backend', 'gpu'), /^backend gpu: .*native/);
  throwsEmuError(() => settingName('thread'), /no setting thread; did you mean threads\?/);
  assert.equal(readSettings(folder), {threads: 3});
  writeSetting(folder, 'threads', undefined);
});

test('a command takes the settings, a variable goes before them, a flag before both', async () => {
  const model = writeRandomModel(path.join(home, 'model'));
  writeFileSync(file, JSON.stringify({model, backend: 'reference'}));
  const args = ['caption', fixture('cat.jpg'), '--max-tokens', '1', '--json'];
  const [set, variable, flag] = await Promise.all([
    emu(...args),
    runEmu(args, {env: {...env, EMU_BACKEND: 'nonsense'}}),
    runEmu([...args, '--backend', 'reference'], {env: {...env, EMU_MODEL: 'nowhere/else'}}),
  ]);
  const {backend, model: used} = JSON.parse(set.stdout);
  assert.is(backend, 'reference');
  assert.is(used, model);
  assert.is(variable.code, 2);
  assert.match(variable.stderr, /nonsense/);
  assert.match(flag.stderr, /nowhere\/else: no such file/);
});

test('list, set and path', async () => {
  writeFileSync(file, JSON.stringify({backend: 'native'}));
  assert.is((await emu('config', 'set', 'threads', '2')).stdout, 'threads 2 (config)\n');
  const [place, {stdout}, missing] = await Promise.all([
    emu('config', 'path'),
    runEmu(['config'], {env: {...env, EMU_THREADS: '1'}}),
    emu('config', 'get'),
  ]);
  assert.is(place.stdout, `${file}\n`);
  assert.match(stdout, /^backend +native +config$/m);
  assert.match(stdout, /^threads +1 +EMU_THREADS$/m);
  assert.match(stdout, /^compute +f32 +default$/m);
  assertFailure(missing, 2, /get: missing NAME/);
});

test('a file that is no settings is one line that names it, and doctor works', async () => {
  for (const [text, says] of [
    ['{', /config\.json: expected JSON/],
    ['{"colour": 1}', /config\.json: .*"colour"/],
    ['{"threads": "two"}', /config\.json: "threads": /],
  ] as const) {
    writeFileSync(file, text);
    assert.throws(() => readSettings(folder), says);
  }
  const [caption, doctor] = await Promise.all([emu('caption', fixture('cat.jpg')), emu('doctor')]);
  assertFailure(caption, 2, /config\.json: "threads": /);
  assert.is(doctor.code, 0);
  assert.match(doctor.stdout, /^models .*config\.json/m);
});

test('autocomplete writes completions of every command', async () => {
  writeFileSync(file, '{}');
  const [{code, stdout, stderr}, fish] = await Promise.all([
    emu('autocomplete', 'bash'),
    emu('autocomplete', 'fish'),
  ]);
  assert.is(code, 0, stderr);
  assert.match(stdout, /emu autocomplete script bash/);
  const functions = path.join(home, 'cache/emu/autocomplete/functions/bash/emu.bash');
  assert.ok(existsSync(functions));
  const completions = readFileSync(functions, 'utf8');
  for (const word of ['caption', '--max-tokens', 'config', 'pretrain'])
    assert.ok(completions.includes(word), word);
  assertFailure(fish, 2, /fish .*bash/);
});

mkdirSync(folder, {recursive: true});
test.run();
