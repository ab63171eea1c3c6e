// What one rank does in communicator.test.ts: `rank.ts CASE`, one line of JSON on stdout.
import {createHash} from 'node:crypto';
import {writeSync} from 'node:fs';
import {setTimeout} from 'node:timers/promises';
import {isMainThread, Worker, workerData} from 'node:worker_threads';
import {EmuError} from '../../../src/errors.js';
import {Random} from '../../../src/random.js';
import {
  type Communicator,
  openCommunicator,
  withCommunicator,
} from '../../../src/train/mpi/communicator.js';

const tell = (facts: object) => writeSync(1, `${JSON.stringify(facts)}\n`);

/** What a rank brings to a sum: numbers of very different sizes, so that the order of additions shows. */
function numbers(size: number, rank: number): Float32Array {
  const random = new Random(size, rank);
  const scale = 10 ** (rank * 2);
  return Float32Array.from({length: size}, () => scale * (random.uniform() - 0.5));
}

/** What the sum over `ranks` is to the bit: added in float64 in the order of ranks, rounded once. */
function expectedSum(size: number, ranks: number): Float32Array {
  const parts = Array.from({length: ranks}, (_, rank) => numbers(size, rank));
  return Float32Array.from({length: size}, (_, i) =>
    parts.slice(1).reduce((sum, part) => sum + part[i]!, parts[0]![i]!),
  );
}

const bits = (values: Float32Array | Float64Array) =>
  createHash('sha256')
    .update(Buffer.from(values.buffer, 0, values.byteLength))
    .digest('hex');

const sizes = [0, 1, 5, 1000, 32_768, 65_537, 131_073];

/** Whole numbers whose sum over ranks is exact. */
const whole = (length: number, factor: number) =>
  Float32Array.from({length}, (_, i) => factor * (i % 1000));

/** 20 MB; then more than one pack together, with two among them that are too large for it. */
const largeSizes = [[5_000_000], [3, 0, ...new Array(70).fill(16_000), 16_384, 300_000, 17, 1]];

const cases: Record<string, (communicator: Communicator) => void | Promise<void>> = {
  async sums(communicator) {
    const {rank, size} = communicator;
    const sums: Record<number, string[]> = {};
    for (const length of sizes) {
      sums[length] = [bits(expectedSum(length, size))];
      for (const slowest of [0, size - 1]) {
        const values = numbers(length, rank);
        if (rank === slowest) await setTimeout(20);
        communicator.sum(values);
        sums[length].push(bits(values));
      }
    }
    const isRight = largeSizes.map((lengths) => {
      const arrays = lengths.map((length) => whole(length, rank + 1));
      communicator.sumAll(arrays);
      return arrays.every(
        (array, i) => bits(array) === bits(whole(lengths[i]!, (size * (size + 1)) / 2)),
      );
    });
    tell({rank, size, sums, isRight});
  },

  numbers(communicator) {
    const {rank, size} = communicator;
    const doubles = Float64Array.of(0.1 * (rank + 1), 2 ** 53);
    communicator.sum(doubles);
    const bytes = Uint8Array.of(rank, 2, 3);
    const floats = Float32Array.of(rank + 0.5);
    communicator.broadcast(bytes, size - 1);
    communicator.broadcast(floats);
    communicator.barrier();
    const sums = communicator.sumNumbers([1, rank, 1e-300]);
    tell({rank, sums, doubles: [...doubles], bytes: [...bytes], floats: [...floats]});
  },

  wrong(communicator) {
    const wrong = {
      ints: () => communicator.sum(new Int32Array(2) as never),
      nothing: () => communicator.sum(undefined as never),
      root: () => communicator.broadcast(new Uint8Array(1), 99),
    };
    const messages = Object.entries(wrong).map(([name, call]) => {
      try {
        call();
        return [name, 'nothing thrown'];
      } catch (error) {
        return [name, String(error)];
      }
    });
    tell({rank: communicator.rank, ...Object.fromEntries(messages)});
  },

  /** One rank fails while the others wait for it. */
  fails(communicator) {
    if (communicator.rank === 1) throw new EmuError('shard 7 is corrupt', {code: 'bad_input'});
    communicator.barrier();
  },

  allFail() {
    throw new EmuError('the recipe is wrong', {code: 'bad_input'});
  },

  dies(communicator) {
    if (communicator.rank === 1) process.kill(process.pid, 'SIGKILL');
    communicator.barrier();
  },

  aborts(communicator) {
    if (communicator.rank === 1) communicator.abort(7);
    communicator.barrier();
  },

  again(communicator) {
    communicator.barrier();
    communicator.close();
    let message = '';
    try {
      communicator.sum(new Float32Array(1));
    } catch (error) {
      message = String(error);
    }
    tell({rank: communicator.rank, message});
    process.exit(0);
  },
};

const name = process.argv[2] ?? workerData;

/** As src/cli/main.ts does: one line, then the exit code. */
function fail(error: Error): never {
  writeSync(2, `emu: ${error.message}\n`);
  process.exit(1);
}

if (name === 'opens') {
  try {
    tell({size: openCommunicator().size});
  } catch (error) {
    fail(error as Error);
  }
} else if (isMainThread && process.argv[3] === 'in-worker') {
  // The real command: the model's thread computes, this one tells what went wrong.
  const load = `import('tsx/esm/api').then(({register}) => (register(), import('${import.meta.url}')))`;
  const worker = new Worker(load, {eval: true, workerData: name, argv: []});
  worker.on('error', fail);
} else {
  try {
    await withCommunicator((communicator) => cases[name]!(communicator));
  } catch (error) {
    if (isMainThread) fail(error as Error);
    throw error;
  }
}
