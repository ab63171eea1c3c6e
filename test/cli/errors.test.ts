import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {
  errorToJson,
  oneLine,
  toEmuError,
  UsageError,
  usageMessage,
  wantsJson,
} from '../../src/cli/errors.js';
import {EmuError, ModelError} from '../../src/errors.js';
import {closest} from '../../src/text/closest.js';

const test = suite('cli/errors');

test('every kind of error has its exit code', () => {
  const system = (code: string) => Object.assign(new Error(code), {code, path: 'a.png'});
  assert.is(toEmuError(new UsageError('x')).exitCode, 2);
  assert.is(toEmuError(new ModelError('m', 'x')).exitCode, 3);
  assert.is(toEmuError(system('ENOENT')).exitCode, 1);
  assert.is(toEmuError(system('EACCES')).exitCode, 4);
  assert.is(toEmuError(system('ERR_WORKER_OUT_OF_MEMORY')).exitCode, 5);
  assert.is(toEmuError(new TypeError('x is undefined')).exitCode, 1);
  assert.is(toEmuError('thrown text').exitCode, 1);
});

test('a system error names its file', () => {
  const error = toEmuError(Object.assign(new Error(), {code: 'EACCES', path: '/root/a b.png'}));
  assert.match(error.message, /^\/root\/a b\.png: access refused/);
  assert.is(error.file, '/root/a b.png');
});

test('an unforeseen error says that it is internal', () => {
  assert.match(
    toEmuError(new TypeError('x is undefined')).message,
    /^internal error: TypeError: x/,
  );
});

test('a message is one line without control characters', () => {
  assert.is(oneLine('\u0007a\n  b\r\n\u001b[31mc\u001b[39m'), '?a b c');
});

test("oclif's messages become one line each", () => {
  assert.is(
    usageMessage('Missing 1 required arg:\nquestion  what to answer\nSee more help with --help'),
    'missing: question what to answer',
  );
  assert.is(
    usageMessage('Parsing --threads \n\tExpected an integer but received: x'),
    '--threads: expected an integer, got x',
  );
  assert.is(
    usageMessage('The following error occurred:\n  \u001b[2m--a needs --b\u001b[22m'),
    '--a needs --b',
  );
});

test('the JSON form always has code, message and file', () => {
  const error = new EmuError('a\nb', {code: 'x'});
  assert.equal(JSON.parse(errorToJson(error)), {error: {code: 'x', message: 'a b', file: null}});
});

test('--json counts before -- only', () => {
  assert.ok(wantsJson(['caption', 'a', '--json']));
  assert.not(wantsJson(['caption', '--', '--json']));
});

test('a guess is near', () => {
  assert.is(closest('capton', ['caption', 'vqa']), 'caption');
  assert.is(closest('vga', ['caption', 'vqa']), 'vqa');
  assert.is(closest('train', ['caption', 'vqa']), undefined);
});

test.run();
