import path from 'node:path';
import tf from '#tfjs';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {availableBackends} from '../../../src/kernels/backend.js';
import {alone} from '../../../src/train/mpi/communicator.js';
import {sumGradients} from '../../../src/train/mpi/sumGradients.js';
import {root} from '../../cli/runEmu.js';
import {skip} from '../../support/skip.js';
import {runRanks, told, whyNoRanks} from './mpirun.js';

const test = suite('sumGradients');
const script = path.join(root, 'test/train/mpi/gradientsRank.ts');

interface Facts {
  readonly rank: number;
  readonly sums: Record<string, number[]>;
  readonly shapes: boolean;
  readonly inPlace: boolean;
  readonly users: number[];
  readonly sibling: number[];
  readonly added: number;
}

test('alone, gradients stay what they are', () => {
  const gradient = tf.ones([2]);
  assert.is(sumGradients(alone, {gradient}, new Map([['gradient', gradient]])).gradient, gradient);
  gradient.dispose();
});

const whyNot = whyNoRanks();
for (const backend of availableBackends()) {
  const name = `sums by name, in place where nobody else looks (${backend})`;
  if (whyNot) {
    skip(test, name, whyNot);
    continue;
  }
  test(name, async () => {
    for (const facts of told<Facts>(await runRanks(2, [script, backend]), 2)) {
      const {rank, sums, shapes, inPlace, users, sibling, added} = facts;
      assert.equal(sums, {
        a: [],
        again: [4, 4, 4, 4],
        b: [5],
        first: [2, 2, 2, 2],
        native: [6, 6, 6, 6],
        shared: [6, 6, 6, 6],
        twice: [4, 4, 4, 4],
        users: [2, 4, 6, 8],
      });
      assert.ok(shapes);
      assert.is(inPlace, backend === 'native');
      assert.equal(users, [1, 2, 3, 4], 'the array a tensor was made of');
      assert.equal(sibling, new Array(4).fill(2 * (rank + 1)), 'a tensor on the same data');
      // One for the gradient that this rank lacked, one more where two names shared a tensor.
      assert.is(added, rank === 0 ? 1 : 2);
    }
  });
}

test.run();
