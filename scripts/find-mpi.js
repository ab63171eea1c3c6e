// Finds Open MPI's headers and libraries, for the addon of data-parallel training.
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** What a program prints, split into arguments; undefined where it is missing or refuses. */
function ask(program, args) {
  const {status, stdout} = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout.split(/\s+/).filter((word) => word !== '') : undefined;
}

/** Flags from the compiler's wrapper, which comes with mpirun, or else from pkg-config. */
function askForFlags() {
  const wrapped = ask('mpicc', ['--showme:compile']);
  if (wrapped) return {compile: wrapped, link: ask('mpicc', ['--showme:link']) ?? []};
  const packaged = ask('pkg-config', ['--cflags', 'ompi-c']);
  return packaged && {compile: packaged, link: ask('pkg-config', ['--libs', 'ompi-c']) ?? []};
}

/** `{compile, link}`, the flags that programs which use MPI need, or `{reason}` why there are none. */
export function findMpi() {
  const flags = askForFlags();
  const folders = (flags?.compile ?? [])
    .filter((flag) => flag.startsWith('-I'))
    .map((flag) => flag.slice(2));
  // Debian's mpicc comes without the headers, which are in another package.
  const hasHeader = [...folders, '/usr/include'].some((folder) =>
    fs.existsSync(path.join(folder, 'mpi.h')),
  );
  if (flags && hasHeader) return flags;
  return {
    reason:
      'the headers of MPI are not installed; `apt-get install openmpi-bin libopenmpi-dev`, then `npm run setup`',
  };
}
