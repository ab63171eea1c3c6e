// A run that is killed again and again ends as one that never was: the real command, SIGKILL at random
// moments, while it starts, trains and writes.
import {existsSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {Random} from '../../src/random.js';
import {assertFailure, finished, runEmu, startEmu} from '../cli/runEmu.js';
import {temporaryFolder} from '../support/temporary.js';
import {assertSameRun, runResults} from './runResults.js';
import {writeTinyRecipe} from './tinyRecipe.js';

const test = suite('killed runs');
const folder = temporaryFolder();
const recipeFile = writeTinyRecipe(folder);
const env = {EMU_CACHE_DIR: folder, EMU_THREADS: '1'};
const STEPS = 30; // of each phase; with a validation every 7 that is 68 lines of metrics
const LINES = 68;
const RUNS = 2;
const KILLS = 10; // of each run
const settings = [
  `phases.0.steps=${STEPS}`,
  `phases.1.steps=${STEPS}`,
  'checkpoint.minutes=0.001', // a checkpoint every two to four steps
  'ema=0.9',
  'validation={every: 7, batch: 2, batches: 1}',
  'samples={every: 10, rows: 2, maxTokens: 2, sources: {documents: 1}}',
].flatMap((value) => ['--set', value]);

const start = (out: string) =>
  startEmu(['train', 'pretrain', recipeFile, '--out', out, '--resume', ...settings], {env});

/** Lines of metrics so far. */
function progress(out: string): number {
  const file = path.join(out, 'metrics.jsonl');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
}

async function finish(out: string): Promise<void> {
  const {code, stderr} = await finished(start(out));
  assert.is(code, 0, stderr);
}

test(`${RUNS * KILLS} kills at random moments change no bit of what a run leaves`, async () => {
  const whole = path.join(folder, 'whole');
  await finish(whole);
  assert.is(progress(whole), LINES);
  const expected = runResults(whole);

  const random = new Random(17);
  for (let run = 0; run < RUNS; run++) {
    const out = path.join(folder, `killed-${run}`);
    const moments: number[] = [];
    const goals = Array.from({length: KILLS}, () => random.below(LINES - 4)).sort((a, b) => a - b);
    for (const goal of goals) {
      const before = progress(out);
      const child = start(out);
      const end = finished(child);
      // Three of ten while it starts; it needs about a second. Else so many lines on, and a moment.
      if (random.chance(0.3)) await sleep(random.between(0, 1000));
      else {
        while (child.exitCode === null && (progress(out) === before || progress(out) < goal))
          await sleep(2);
        await sleep(random.between(0, 40));
      }
      moments.push(progress(out));
      assert.is(child.exitCode, null, `ended before the kill at ${moments}`);
      child.kill('SIGKILL');
      await end;
    }
    await finish(out);
    assertSameRun(out, expected, `kills at lines ${moments}`);
  }
});

test('a second process in the folder is refused in one line; Ctrl-C lets the next one in', async () => {
  const out = path.join(folder, 'shared');
  const long = ['--set', 'phases.0.steps=5000'];
  const args = ['train', 'pretrain', recipeFile, '--out', out, ...long];
  const first = startEmu(args, {env});
  const end = finished(first);
  while (!existsSync(path.join(out, 'metrics.jsonl'))) await sleep(20);
  const second = await runEmu(['train', 'pretrain', '--resume', '--out', out], {env});
  assertFailure(second, 1, new RegExp(`shared: process ${first.pid} trains in it; wait for it`));
  first.kill('SIGINT');
  const {code, stderr} = await end;
  assert.is(code, 130);
  assert.match(stderr, /interrupted; go on from the last checkpoint with --resume --out/);
  const again = await runEmu(args, {env});
  assertFailure(again, 1, /already holds a run; go on with --resume/);
});

test.run();
