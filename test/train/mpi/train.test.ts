// `mpirun -n N emu train` as a person starts it: any number of ranks trains as one does, and a run goes on
// with another number.
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import type {Ended} from '../../cli/runEmu.js';
import {skip} from '../../support/skip.js';
import {temporaryFolder} from '../../support/temporary.js';
import {writePictures} from '../captionedPictures.js';
import {checkpointsOf, metricsOf} from '../runResults.js';
import {writeTinyRecipe} from '../tinyRecipe.js';
import {ranksRecipe, startEmuRanks, whyNoRanks} from './mpirun.js';

const test = suite('emu train under mpirun');
const folder = temporaryFolder();
const tinyRecipe = writeTinyRecipe(path.join(folder));
const recipe = path.join(folder, 'ranks.yaml');
const STEPS = 50;
await writePictures(path.join(folder, 'pictures'));
writeFileSync(recipe, ranksRecipe(STEPS));

/** `mpirun -n RANKS emu train pretrain ARGS`. */
const start = (ranks: number, args: readonly string[]) =>
  startEmuRanks(ranks, ['train', 'pretrain', ...args], folder);

const run = (ranks: number, args: readonly string[]) => start(ranks, args).ended;

/** The lines of emu's own on stderr; mpirun adds paragraphs of its own. */
const emuLines = ({stderr}: Ended) => stderr.split('\n').filter((line) => line.startsWith('emu: '));

/** Every logged number is within 1e-5 of one rank's, in proportion where it is above 1. */
function assertSameMetrics(out: string, expected: ReturnType<typeof metricsOf>): void {
  const found = metricsOf(out);
  assert.is(found.length, expected.length);
  for (const [i, line] of found.entries())
    for (const [name, value] of Object.entries(expected[i]!)) {
      if (typeof value === 'string') assert.is(line[name], value);
      else
        assert.ok(
          Math.abs((line[name] as number) - value) <= 1e-5 * Math.max(1, value),
          `${path.basename(out)}, line ${i}, ${name}: ${line[name]}, one rank ${value}`,
        );
    }
}

/** Ids of the processes that a process has started. */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

const one = path.join(folder, 'one');
const tests: Record<string, () => Promise<void>> = {
  '2 and 4 ranks log the losses and gradient norms of one': async () => {
    const alone = await run(1, [recipe, '--out', one]);
    assert.is(alone.code, 0, alone.stderr);
    const expected = metricsOf(one);
    assert.is(expected.length, STEPS);
    assert.ok((expected[STEPS - 1]!.loss as number) < 0.7 * (expected[0]!.loss as number));
    for (const ranks of [2, 4]) {
      const out = path.join(folder, `of-${ranks}`);
      const ended = await run(ranks, [recipe, '--out', out, '--json']);
      assert.is(ended.code, 0, ended.stderr);
      assertSameMetrics(out, expected);
      // One rank speaks: notes once on stderr, one result on stdout.
      assert.equal(
        ended.stdout
          .trim()
          .split(/\r?\n/)
          .map((line) => JSON.parse(line).run),
        [out],
      );
      assert.is(emuLines(ended).length, emuLines(alone).length, ended.stderr);
    }
  },

  'a rank that is killed ends all; the run goes on with another number of ranks': async () => {
    const out = path.join(folder, 'killed');
    const {child, ended} = start(2, [recipe, '--out', out, '--set', 'checkpoint.minutes=0.001']);
    const metrics = path.join(out, 'metrics.jsonl');
    while (!existsSync(metrics) || checkpointsOf(out).length === 0) await sleep(5);
    process.kill(childrenOf(child.pid!)[1]!, 'SIGKILL');
    const {code, stderr} = await ended;
    assert.is(code, 137);
    assert.match(stderr, /process rank 1 .*exited on signal 9/s);
    assert.ok(metricsOf(out).length < STEPS);
    const resumed = await run(4, ['--out', out, '--resume']);
    assert.is(resumed.code, 0, resumed.stderr);
    assertSameMetrics(out, metricsOf(one));
  },

  'more ranks than rows are refused in one line, before the first step': async () => {
    const out = path.join(folder, 'few');
    const ended = await run(4, [tinyRecipe, '--out', out]);
    assert.is(ended.code, 1);
    const says = 'a batch of 3 rows cannot be shared by 4 ranks; start at most 3';
    assert.equal(emuLines(ended).filter((line) => line.includes(says)).length, 1, ended.stderr);
    assert.not.ok(existsSync(path.join(out, 'metrics.jsonl')));
  },

  'batch norm under ranks is told of once, and all ranks have one model': async () => {
    const out = path.join(folder, 'stem');
    const ended = await run(2, [tinyRecipe, '--out', out]);
    assert.is(ended.code, 0, ended.stderr);
    assert.is(emuLines(ended).filter((line) => /batch norm/.test(line)).length, 1);
  },
};
const whyNot = whyNoRanks();
for (const [name, body] of Object.entries(tests)) {
  if (whyNot) skip(test, name, whyNot);
  else test(name, body);
}

test.run();
