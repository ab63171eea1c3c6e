// The ranks of a data-parallel run, as the training loop sees them: one process without mpirun, else
// the processes that `mpirun -n N emu train ...` started.
import {setTimeout} from 'node:timers/promises';
import {EmuError} from '../../errors.js';
import {libraryName, loadMpi, type MpiAddon} from './addon.js';

/**
 * What ranks do together. Every rank makes the same calls in the same order, from the thread that
 * opened it, with arrays of the same lengths.
 */
export interface Communicator {
  /** 0 to size - 1. Rank 0 writes files and speaks. */
  readonly rank: number;
  readonly size: number;
  /** Ranks of this machine that may use exactly the same cores, this one included. */
  readonly coreSharers: number;
  /**
   * Sums in place over all ranks, added in the order of ranks in float64: all ranks get the same bits,
   * whenever they come.
   */
  sum(values: Float32Array | Float64Array): void;
  /** `sum` of each array; small ones travel together. */
  sumAll(arrays: readonly Float32Array[]): void;
  /** Sums of a few numbers, in float64. */
  sumNumbers(values: readonly number[]): number[];
  /** All ranks get the values of rank `root` (default 0), in place. */
  broadcast(values: Uint8Array | Float32Array | Float64Array, root?: number): void;
  /** Returns when all ranks are here. */
  barrier(): void;
  /** Ends all ranks at once; nobody tidies up. */
  abort(code: number): never;
  /** The last call of a run that went well; waits for the other ranks. */
  close(): void;
}

/** One process that has nobody to talk to. */
export const alone: Communicator = {
  rank: 0,
  size: 1,
  coreSharers: 1,
  sum() {},
  sumAll() {},
  sumNumbers: (values) => [...values],
  broadcast() {},
  barrier() {},
  abort: (code) => process.exit(code),
  close() {},
};

/** Arrays of fewer elements (64 KB) are packed: from there on the copy costs more than a call saves. */
const MAX_PACKED = 1 << 14;
/** Elements of a pack, 4 MB. */
const PACK_SIZE = 1 << 20;

class MpiCommunicator implements Communicator {
  readonly rank: number;
  readonly size: number;
  readonly coreSharers: number;
  private readonly pack = new Float32Array(PACK_SIZE);

  constructor(private readonly mpi: MpiAddon) {
    const {rank, size, coreSharers} = mpi.open();
    this.rank = rank;
    this.size = size;
    this.coreSharers = coreSharers;
  }

  sum(values: Float32Array | Float64Array): void {
    this.mpi.sum(values);
  }

  sumAll(arrays: readonly Float32Array[]): void {
    let packed: Float32Array[] = [];
    let used = 0;
    const flush = () => {
      this.mpi.sum(this.pack.subarray(0, used));
      let offset = 0;
      for (const array of packed) {
        array.set(this.pack.subarray(offset, offset + array.length));
        offset += array.length;
      }
      packed = [];
      used = 0;
    };
    for (const array of arrays) {
      if (array.length >= MAX_PACKED) {
        this.mpi.sum(array);
        continue;
      }
      if (used + array.length > PACK_SIZE) flush();
      this.pack.set(array, used);
      packed.push(array);
      used += array.length;
    }
    flush();
  }

  sumNumbers(values: readonly number[]): number[] {
    const sums = Float64Array.from(values);
    this.mpi.sum(sums);
    return [...sums];
  }

  broadcast(values: Uint8Array | Float32Array | Float64Array, root = 0): void {
    this.mpi.broadcast(values, root);
  }

  barrier(): void {
    this.mpi.barrier();
  }

  abort(code: number): never {
    return this.mpi.abort(code);
  }

  close(): void {
    this.mpi.close();
  }
}

/** How many ranks the launcher started, 'some' where it does not say, 1 without a launcher. */
function launchedRanks(): number | 'some' {
  // Open MPI's mpirun; MPICH's and Intel's.
  const size = Number(process.env.OMPI_COMM_WORLD_SIZE ?? process.env.PMI_SIZE);
  if (size >= 1) return size;
  return process.env.PMIX_RANK === undefined ? 1 : 'some';
}

function mpiError(problem: string, cause?: unknown): EmuError {
  return new EmuError(problem, {code: 'mpi', cause});
}

let opened: Communicator | undefined;

/**
 * The ranks that this process belongs to; `alone` when it was started without mpirun, or as the only
 * one. Throws EmuError when mpirun started it and the MPI addon is missing or is another MPI's.
 */
export function openCommunicator(): Communicator {
  if (opened) return opened;
  const ranks = launchedRanks();
  if (ranks === 1) return alone;
  const mpi = loadMpi();
  if ('problem' in mpi) {
    throw mpiError(`started by mpirun as one of ${ranks} ranks, but ${mpi.problem}`);
  }
  const communicator = new MpiCommunicator(mpi);
  // Each rank of another MPI would believe to be the only one, and write the same files.
  if (ranks !== 'some' && communicator.size !== ranks) {
    throw mpiError(
      `started as one of ${ranks} ranks, but ${libraryName(mpi)} knows of ${communicator.size}; start it with the mpirun of that library`,
    );
  }
  opened = communicator;
  return communicator;
}

/**
 * How long a rank waits before it tells its failure. What all ranks run into (a wrong recipe) is so told
 * by rank 0 alone: mpirun ends the others meanwhile.
 */
function turnMs({rank}: Communicator): number {
  return rank === 0 ? 0 : 2000 + 500 * Math.min(rank, 4);
}

/** The same failure, which now says whose it is. */
function ofRank(thrown: unknown, {rank, size}: Communicator): Error {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  error.message = `rank ${rank} of ${size}: ${error.message}`;
  return error;
}

/**
 * Runs `body` with the ranks of this process, and closes them when it is done. What it throws is thrown
 * on, with the rank's name, and MPI is left open: the process then ends with that failure, and mpirun
 * ends the other ranks, whatever they wait for.
 */
export async function withCommunicator<T>(
  body: (communicator: Communicator) => T | Promise<T>,
): Promise<T> {
  const communicator = openCommunicator();
  if (communicator.size === 1) return body(communicator);
  try {
    const result = await body(communicator);
    communicator.close();
    return result;
  } catch (error) {
    await setTimeout(turnMs(communicator));
    throw ofRank(error, communicator);
  }
}
