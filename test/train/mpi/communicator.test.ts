// Real ranks: processes started by mpirun.
import {spawnSync} from 'node:child_process';
import {cpSync, mkdirSync, symlinkSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {suite} from 'uvu';
import * as assert from 'uvu/assert';
import {alone, openCommunicator} from '../../../src/train/mpi/communicator.js';
import {root} from '../../cli/runEmu.js';
import {skip} from '../../support/skip.js';
import {temporaryFolder} from '../../support/temporary.js';
import {type Ranks, runRanks, told, whyNoRanks} from './mpirun.js';

const test = suite('mpi communicator');
const script = path.join(root, 'test/train/mpi/rank.ts');

/** The lines of emu's own on stderr; mpirun adds paragraphs of its own. */
const emuLines = ({stderr}: Ranks) => stderr.split('\n').filter((line) => line.startsWith('emu: '));

test('without mpirun there is one rank, which changes nothing', () => {
  assert.is(openCommunicator(), alone);
  const values = Float32Array.of(1, 2);
  alone.sum(values);
  alone.sumAll([values]);
  alone.broadcast(values);
  alone.barrier();
  assert.equal([...values], [1, 2]);
  assert.equal(alone.sumNumbers([3, 4]), [3, 4]);
});

test('started by mpirun without the addon: what to install', () => {
  const clone = temporaryFolder();
  for (const file of [
    'errors.ts',
    'random.ts',
    'kernels/native/addon.ts',
    'train/mpi/addon.ts',
    'train/mpi/communicator.ts',
  ])
    cpSync(path.join(root, 'src', file), path.join(clone, 'src', file), {recursive: true});
  mkdirSync(path.join(clone, 'test/train/mpi'), {recursive: true});
  cpSync(script, path.join(clone, 'test/train/mpi/rank.ts'));
  writeFileSync(path.join(clone, 'package.json'), '{"type": "module"}');
  symlinkSync(path.join(root, 'node_modules'), path.join(clone, 'node_modules'));
  const {status, stderr} = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'test/train/mpi/rank.ts', 'opens'],
    {cwd: clone, encoding: 'utf8', env: {...process.env, OMPI_COMM_WORLD_SIZE: '2'}},
  );
  assert.is(status, 1);
  assert.match(
    stderr,
    /^emu: started by mpirun as one of 2 ranks, but [^\n]*`apt-get install openmpi-bin libopenmpi-dev`, then `npm run setup`\n$/,
  );
});

const whyNot = whyNoRanks();
for (const count of [2, 4]) {
  const name = `sums have the same bits on ${count} ranks, whichever is last`;
  if (whyNot) skip(test, name, whyNot);
  else
    test(name, async () => {
      interface Sums {
        readonly rank: number;
        readonly size: number;
        readonly sums: Record<number, string[]>;
        readonly isRight: boolean[];
      }
      const ranks = told<Sums>(await runRanks(count, [script, 'sums']), count);
      for (const {size, sums, isRight} of ranks) {
        assert.is(size, count);
        for (const [length, hashes] of Object.entries(sums)) {
          assert.is(hashes.length, 3);
          assert.is(
            new Set(hashes).size,
            1,
            `${length} numbers: expected, rank 0 last, rank n last`,
          );
        }
        assert.equal(isRight, [true, true], '20 MB; a list of arrays of all sizes');
      }
    });
}

const withRanks: Record<string, () => Promise<void>> = {
  'numbers, bytes, broadcasts': async () => {
    const ranks = told<{
      rank: number;
      sums: number[];
      doubles: number[];
      bytes: number[];
      floats: number[];
    }>(await runRanks(3, [script, 'numbers']), 3);
    for (const {sums, doubles, bytes, floats} of ranks) {
      assert.equal(sums, [3, 3, 3e-300]);
      assert.equal(doubles, [0.1 + 0.2 + 0.1 * 3, 3 * 2 ** 53]);
      assert.equal(bytes, [2, 2, 3]);
      assert.equal(floats, [0.5]);
    }
  },

  'wrong arguments are refused, not sent': async () => {
    const [first] = told<{rank: number; ints: string; nothing: string; root: string}>(
      await runRanks(2, [script, 'wrong']),
      2,
    );
    assert.match(first!.ints, /^TypeError: sum: expected a Float32Array or Float64Array/);
    assert.match(first!.nothing, /^TypeError: sum: expected a typed array/);
    assert.match(first!.root, /^TypeError: broadcast: expected a rank/);
  },

  'after close there is no more': async () => {
    for (const {message} of told<{rank: number; message: string}>(
      await runRanks(2, [script, 'again']),
      2,
    ))
      assert.match(message, /MPI is closed in this process/);
  },

  'in a worker thread, as the command does': async () => {
    const ranks = told<{rank: number; sums: number[]}>(
      await runRanks(2, [script, 'numbers', 'in-worker']),
      2,
    );
    for (const {sums} of ranks) assert.equal(sums, [2, 1, 2e-300]);
  },

  'a rank that fails ends all, in one line that names it': async () => {
    for (const where of [[], ['in-worker']]) {
      const ended = await runRanks(4, [script, 'fails', ...where]);
      assert.is(ended.code, 1);
      assert.equal(emuLines(ended), ['emu: rank 1 of 4: shard 7 is corrupt']);
      assert.ok(ended.seconds < 15, `${ended.seconds} s`);
    }
  },

  'a failure of all ranks is told once': async () => {
    const ended = await runRanks(4, [script, 'allFail']);
    assert.is(ended.code, 1);
    assert.equal(emuLines(ended), ['emu: rank 0 of 4: the recipe is wrong']);
  },

  'a rank that is killed ends all': async () => {
    const ended = await runRanks(4, [script, 'dies']);
    assert.is(ended.code, 137);
    assert.match(ended.stderr, /process rank 1 .*exited on signal 9/s);
    assert.ok(ended.seconds < 15, `${ended.seconds} s`);
  },

  'a rank that aborts ends all with its code': async () => {
    const ended = await runRanks(4, [script, 'aborts']);
    assert.is(ended.code, 7);
    assert.ok(ended.seconds < 15, `${ended.seconds} s`);
  },

  'a launcher of another MPI is refused': async () => {
    const {status, stderr} = spawnSync(process.execPath, ['--import', 'tsx', script, 'opens'], {
      cwd: root,
      encoding: 'utf8',
      env: {...process.env, PMI_SIZE: '2'},
    });
    assert.is(status, 1);
    assert.match(stderr, /^emu: started as one of 2 ranks, but Open MPI v\S+ knows of 1; .*\n$/);
  },
};
for (const [name, body] of Object.entries(withRanks)) {
  if (whyNot) skip(test, name, whyNot);
  else test(name, body);
}

test.run();
