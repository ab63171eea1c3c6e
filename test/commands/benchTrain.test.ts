import {readdirSync} from 'node:fs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {runEmu} from '../cli/runEmu.js';
import {temporaryFolder} from '../support/temporary.js';
import {writeTinyRecipe} from '../train/tinyRecipe.js';

const test = suite('bench train');
const folder = temporaryFolder();
const recipe = writeTinyRecipe(folder);
// A folder of its own for what the bench leaves: other programs write into the common one.
const scratch = temporaryFolder();
const env = {EMU_CACHE_DIR: folder, TMPDIR: scratch};

const leftovers = () => readdirSync(scratch).filter((name) => name.startsWith('emu-bench-'));

test('measures steps of a phase and keeps nothing', async () => {
  const args = ['bench', 'train', '--recipe', recipe, '--phase', 'read', '--steps', '5'];
  const {code, stdout, stderr} = await runEmu([...args, '--json'], {env});
  assert.is(code, 0, stderr);
  const result = JSON.parse(stdout);
  assert.is(result.phase, 'read');
  assert.is(result.batch, 3);
  assert.is(result.compute, 'f32');
  const parts = ['waitSeconds', 'gradientSeconds', 'optimizerSeconds'];
  for (const name of ['rowsPerSecond', 'peakMemory', 'learningMillions', 'loss', ...parts])
    assert.ok(result[name] > 0, name);
  assert.ok(Math.abs(result.rowsPerSecond * result.stepSeconds - 3) < 1e-9);
  const read = await runEmu(args, {env});
  assert.match(
    read.stdout,
    /^phase {4}read: 3 rows a step .*\nbackend .*f32\)\nspeed .* rows\/s\nstep .*\nloss .*\nmemory .* MB/,
  );
  assert.equal(leftovers(), []);
});

test('says once that it computes in f32 where bf16 is not to be had', async () => {
  const options = ['--recipe', recipe, '--steps', '1', '--compute', 'bf16'];
  const {code, stdout, stderr} = await runEmu(['bench', 'train', ...options], {
    env: {...env, EMU_BACKEND: 'reference'},
  });
  assert.is(code, 0, stderr);
  assert.match(stdout, /reference \(javascript, 1 threads, f32\)/);
  assert.is(
    stderr.match(/computing in f32: bf16 needs the backend native or tensorflow/g)?.length,
    1,
    stderr,
  );
});

test('mistakes are one line', async () => {
  const missing = await runEmu(['bench', 'train']);
  assert.is(missing.code, 2);
  assert.match(missing.stderr, /^.*bench train: missing --recipe\n$/);
  const phase = await runEmu(['bench', 'train', '--recipe', recipe, '--phase', 'reed'], {env});
  assert.is(phase.code, 1);
  assert.match(phase.stderr, /has no phase reed; its phases: see, read\n$/);
});

test.run();
