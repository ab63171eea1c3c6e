// The MPI addon's whole surface (mpi.cc), and how it is found and loaded.
import {existsSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {builtAddon} from '../../kernels/native/addon.js';

/** All calls come from the thread that opened it. They throw what MPI says went wrong. */
export interface MpiAddon {
  /** What the MPI library says it is; needs no open(). */
  version(): string;
  /** Once in a process; waits for the other ranks. */
  open(): {
    rank: number;
    size: number;
    /** Ranks of this machine that may use exactly the same cores, this one included. */
    coreSharers: number;
  };
  sum(values: Float32Array | Float64Array): void;
  broadcast(values: Uint8Array | Float32Array | Float64Array, root: number): void;
  barrier(): void;
  abort(code: number): never;
  /** Waits until all ranks close. */
  close(): void;
}

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = path.join(root, 'build', `${process.platform}-${process.arch}`);
const require = createRequire(import.meta.url);

/** The addon, or why there is none and the way out. */
export function loadMpi(): MpiAddon | {readonly problem: string} {
  const reasonFile = path.join(folder, 'mpi-problem.txt');
  try {
    const file = builtAddon('emu-mpi.node');
    if (file !== undefined) return require(file) as MpiAddon;
  } catch (error) {
    const [reason] = (error as Error).message.split('\n', 1);
    return {problem: `${reason}; \`apt-get install openmpi-bin\``};
  }
  return {
    problem: existsSync(reasonFile)
      ? readFileSync(reasonFile, 'utf8')
      : 'the MPI addon has not been built; `apt-get install openmpi-bin libopenmpi-dev`, then `npm run setup`',
  };
}

/** `Open MPI v4.1.4` */
export function libraryName(mpi: MpiAddon): string {
  return mpi.version().split(',', 1)[0]!;
}
