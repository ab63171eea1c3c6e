import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {root} from './runEmu.js';

const test = suite('lazy loading');
const source = path.join(root, 'src');

/** Files and packages that importing `file` loads; types are erased, `await import` comes later. */
function loads(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  for (const [statement, from] of text.matchAll(/^(?:import|export)\s[^;]*?from '([^']+)';/gm)) {
    if (/^(import|export) type\b/.test(statement)) continue;
    if (from!.startsWith('.'))
      loads(path.resolve(path.dirname(file), from!.replace(/\.js$/, '.ts')), seen);
    else seen.add(from!);
  }
  return seen;
}

const heavy =
  /^(sharp|ink|react|zod|yaml|fluent-ffmpeg|cli-progress|@huggingface\/hub|@tensorflow\/.*|#tfjs)$/;

const commands = readdirSync(path.join(source, 'commands'), {recursive: true})
  .map(String)
  .filter((name) => name.endsWith('.ts'));

for (const name of commands) {
  test(`${name} loads nothing heavy before it runs`, () => {
    const loaded = [...loads(path.join(source, 'commands', name))];
    assert.ok(loaded.includes('@oclif/core'), 'the walk follows imports');
    assert.equal(
      loaded.filter((file) => heavy.test(file)),
      [],
    );
  });
}

test('the walk finds what is heavy', () => {
  assert.ok(loads(path.join(source, 'emu.ts')).has('#tfjs'));
});

test.run();
