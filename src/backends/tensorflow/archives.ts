// Where libtensorflow comes from: one archive of a pinned version, fetched by the user's own pip or
// Maven. Both hold the same two files.
import fs from 'node:fs/promises';
import path from 'node:path';
import {tensorflowVersion} from '../../kernels/tensorflow/layout.js';
import {InstallError, type RunOptions, run, runOrFail} from './run.js';

export const sources = ['pypi', 'maven'] as const;
export type Source = (typeof sources)[number];

export interface Archive {
  readonly source: Source;
  /** The package, as its tool names it. */
  readonly requirement: string;
  /** Of the file that the tool fetches. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  /** Entries to unpack; the names of the files are the last parts. */
  readonly entries: readonly string[];
}

/** What the two libraries take unpacked, in bytes. */
export const unpackedSize = 853_000_000;

const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];

export const archives: Readonly<Record<Source, Archive>> = {
  pypi: {
    source: 'pypi',
    requirement: `tensorflow-cpu==${tensorflowVersion}`,
    // The wheel of any CPython does, for the two libraries know nothing of Python.
    name: `tensorflow_cpu-${tensorflowVersion}-cp311-cp311-manylinux_2_27_x86_64.whl`,
    size: 273_829_956,
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    entries: [...libraries, 'THIRD_PARTY_NOTICES.txt', 'include/LICENSE'].map(
      (name) => `tensorflow/${name}`,
    ),
  },
  maven: {
    source: 'maven',
    requirement: 'org.tensorflow:tensorflow-core-native:1.2.0:jar:linux-x86_64',
    name: 'tensorflow-core-native-1.2.0-linux-x86_64.jar',
    size: 192_265_303,
    sha256: 'e6fc5afb04092f3427408f1947ec1e5832ed196009acfc088b4d38a516b708bd',
    entries: [...libraries, 'LICENSE'].map(
      (name) => `org/tensorflow/internal/c_api/linux-x86_64/${name}`,
    ),
  },
};

const pipTags = ['--platform', 'manylinux_2_27_x86_64', '--python-version=311'];

/** Fetches an archive into `folder`, or fails. */
type Fetch = (archive: Archive, folder: string, options: RunOptions) => Promise<void>;

/** The tool that fetches from a source, if this machine has it. */
export async function findFetcher(source: Source): Promise<Fetch | undefined> {
  if (source === 'maven') return (await run('mvn', ['--version'])).status === 0 ? maven : undefined;
  for (const python of ['python3', 'python']) {
    const {status} = await run(python, ['-m', 'pip', '--version']);
    if (status === 0) return (...args) => pip(python, ...args);
  }
  return undefined;
}

export const missingTools: Readonly<Record<Source, string>> = {
  pypi: 'no pip: `python3 -m pip` does not run; install Python 3 with pip, or use --from maven',
  maven: 'no Maven: `mvn` does not run; install it, or use --from pypi',
};

async function pip(
  python: string,
  {requirement}: Archive,
  folder: string,
  options: RunOptions,
): Promise<void> {
  await runOrFail(
    `${requirement} could not be downloaded`,
    python,
    [
      ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-cache-dir'],
      ...['--retries=2', '--timeout=20', '--no-deps', '--only-binary=:all:', '--dest', folder],
      ...[...pipTags, '--implementation=cp', '--abi=cp311', requirement],
    ],
    // So that what it has fetched lies where its size is looked at, and goes with the folder.
    {...options, env: {TMPDIR: folder}},
  );
}

async function maven({requirement}: Archive, folder: string, options: RunOptions): Promise<void> {
  await runOrFail(
    `${requirement} could not be downloaded`,
    'mvn',
    [
      ...['--batch-mode', '--no-transfer-progress', '--quiet'],
      'org.apache.maven.plugins:maven-dependency-plugin:2.8:copy',
      ...[`-Dartifact=${requirement}`, `-DoutputDirectory=${folder}`],
      // Not into the user's own repository, where a second copy would stay.
      `-Dmaven.repo.local=${path.join(folder, 'repository')}`,
    ],
    options,
  );
}

/** The archive in `folder`. Throws InstallError when the tool has fetched another. */
export async function fetchedFile({name}: Archive, folder: string): Promise<string> {
  const file = path.join(folder, name);
  await fs.access(file).catch(() => {
    throw new InstallError(`expected ${name} to be downloaded, it is not there`);
  });
  return file;
}
