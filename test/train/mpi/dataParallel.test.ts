// The mathematics of data-parallel training: any number of ranks trains on the same global batch alike.
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {root} from '../../cli/runEmu.js';
import {skip} from '../../support/skip.js';
import {runRanks, told, whyNoRanks} from './mpirun.js';

const test = suite('data-parallel training');
const script = path.join(root, 'test/train/mpi/dataParallelRank.ts');

interface Trained {
  readonly rank: number;
  readonly losses: number[];
  readonly weights: string;
  readonly threads: number;
  /** Cores that the rank may use, divided by the ranks that may use the same. */
  readonly fairThreads: number;
}

async function train(count: number): Promise<Trained[]> {
  const ended = await runRanks(count, [script], {EMU_THREADS: ''});
  return told<Trained>(ended, count);
}

const name = '2 and 4 ranks train as one does, on ragged batches';
const whyNot = whyNoRanks();
if (whyNot) skip(test, name, whyNot);
else
  test(name, async () => {
    const [one] = await train(1);
    assert.is(one!.losses.length, 20);
    assert.ok(one!.losses[19]! < 0.7 * one!.losses[0]!, `it learns: ${one!.losses}`);
    for (const count of [2, 4]) {
      const ranks = await train(count);
      for (const {losses, weights, threads, fairThreads} of ranks) {
        assert.ok(threads <= fairThreads, `${threads} threads, at most ${fairThreads}`);
        assert.equal(losses, ranks[0]!.losses);
        assert.is(weights, ranks[0]!.weights, 'the same weights on all ranks, to the bit');
        for (const [step, loss] of losses.entries()) {
          const off = Math.abs(loss - one!.losses[step]!);
          assert.ok(
            off < 1e-5,
            `${count} ranks, step ${step}: ${loss}, one rank ${one!.losses[step]}`,
          );
        }
      }
    }
  });

test.run();
