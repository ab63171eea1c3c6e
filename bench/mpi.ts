// Sums over ranks: bytes of gradient a second, and what packing small tensors saves.
// Run: mpirun -n 2 node --import tsx bench/mpi.ts
import path from 'node:path';
import {type Communicator, withCommunicator} from '../src/train/mpi/communicator.js';
import {openCheckpoint} from '../src/weights/checkpoint.js';
import {column} from './timing.js';

const REPEATS = 10; // the same on all ranks, or they would wait for each other

/** The shortest of several runs, in milliseconds; ranks start together. */
function time({barrier}: {barrier: () => void}, run: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < REPEATS; i++) {
    barrier();
    const begin = performance.now();
    run();
    best = Math.min(best, performance.now() - begin);
  }
  return best;
}

function bench(communicator: Communicator): void {
  const {rank, size, coreSharers} = communicator;
  const ranks = {barrier: () => communicator.barrier()};
  const nobody = {barrier() {}};
  const say = (line: string) => {
    if (rank === 0) console.log(line);
  };
  say(`${size} ranks, ${coreSharers} on the same cores`);

  const numbers = time(ranks, () => communicator.sumNumbers([1, 2, 3, 4]));
  say(`4 numbers          ${column(numbers, 3)} ms`);

  for (const megabytes of [1, 16, 64, 256]) {
    const values = new Float32Array(megabytes * 250_000).fill(1e-30);
    const copy = values.slice();
    const sum = time(ranks, () => communicator.sum(values));
    const copied = time(nobody, () => copy.set(values));
    say(
      `${String(megabytes).padStart(3)} MB             ${column(sum)} ms  ${column(megabytes / sum, 2, 6)} GB/s` +
        `   a copy ${column(copied)} ms  ${column(megabytes / copied, 2, 6)} GB/s`,
    );
  }

  const checkpoint = openCheckpoint(path.join(import.meta.dirname, '../models/emu-mini'));
  const lengths = [...checkpoint.tensors.values()].map(({shape}) =>
    shape.reduce((product, n) => product * n, 1),
  );
  checkpoint.close();
  const gradients = lengths.map((length) => new Float32Array(length).fill(1e-30));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const whole = new Float32Array(total).fill(1e-30);
  const packed = time(ranks, () => communicator.sumAll(gradients));
  const single = time(ranks, () => {
    for (const gradient of gradients) communicator.sum(gradient);
  });
  const one = time(ranks, () => communicator.sum(whole));
  say(`emu-mini: ${lengths.length} tensors, ${((4 * total) / 1e6).toFixed(1)} MB`);
  say(`  packed           ${column(packed)} ms`);
  say(`  one by one       ${column(single)} ms`);
  say(`  as one array     ${column(one)} ms`);
}

await withCommunicator(bench);
