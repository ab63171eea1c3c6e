import {spawn, spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {temporaryFolder} from '../support/temporary.js';
import {root} from './runEmu.js';

const test = suite('lock');

/** A process that holds the lock for a moment and logs when it began and ended. */
const worker = `
  import {appendFileSync} from 'node:fs';
  import {withLock} from ${JSON.stringify(path.join(root, 'scripts/lock.js'))};
  const [lock, log] = process.argv.slice(1);
  await withLock(lock, (text) => process.stderr.write(text), async () => {
    appendFileSync(log, 'begin ');
    await new Promise((resolve) => setTimeout(resolve, 30));
    appendFileSync(log, 'end ');
  });
`;

function hold(lock: string, log: string): Promise<number | null> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', worker, lock, log]);
  return new Promise((resolve) => {
    child.on('close', resolve);
  });
}

test('one process at a time', async () => {
  const folder = temporaryFolder();
  const [lock, log] = [path.join(folder, 'in', 'lock'), path.join(folder, 'log')];
  const codes = await Promise.all(Array.from({length: 6}, () => hold(lock, log)));
  assert.equal(codes, [0, 0, 0, 0, 0, 0]);
  assert.is(readFileSync(log, 'utf8'), 'begin end '.repeat(6));
  assert.not(existsSync(lock));
});

test('the lock of a process that died is taken over, by one', async () => {
  const folder = temporaryFolder();
  const [lock, log] = [path.join(folder, 'lock'), path.join(folder, 'log')];
  const {pid} = spawnSync(process.execPath, ['-e', '0']);
  writeFileSync(lock, String(pid));
  assert.equal(await Promise.all([hold(lock, log), hold(lock, log), hold(lock, log)]), [0, 0, 0]);
  assert.is(readFileSync(log, 'utf8'), 'begin end '.repeat(3));
});

test('a lock that nobody wrote into is taken over after a while', async () => {
  const folder = temporaryFolder();
  mkdirSync(folder, {recursive: true});
  const [lock, log] = [path.join(folder, 'lock'), path.join(folder, 'log')];
  writeFileSync(lock, '');
  const longAgo = Date.now() / 1000 - 60;
  utimesSync(lock, longAgo, longAgo);
  assert.is(await hold(lock, log), 0);
});

test.run();
