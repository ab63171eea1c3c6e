// Fetches an archive by the user's own tool, whose settings say from where: no host is named here.
import fs from 'node:fs/promises';
import path from 'node:path';
import type {Archive, Source} from './archive.js';
import {InstallError, type RunOptions, run, runOrFail} from './run.js';

/** Fetches an archive into `folder`, or fails. */
type Fetch = (archive: Archive, folder: string, options: RunOptions) => Promise<void>;

export interface Fetcher {
  readonly fetch: Fetch;
  /** What the tool says of itself. */
  readonly version: string;
}

/** The tool that fetches from a source, if this machine has it. */
export async function findFetcher(source: Source): Promise<Fetcher | undefined> {
  if (source === 'maven') {
    const {status} = await run('mvn', ['--version']);
    return status === 0 ? {fetch: maven, version: 'Maven'} : undefined;
  }
  for (const python of ['python3', 'python']) {
    const {status, stdout} = await run(python, ['-m', 'pip', '--version']);
    const version = /^pip (\S+)/.exec(stdout)?.[1];
    if (status === 0)
      return {fetch: (...args) => pip(python, ...args), version: `pip ${version ?? '?'}`};
  }
  return undefined;
}

export const missingTools: Readonly<Record<Source, string>> = {
  pypi: 'no pip: `python3 -m pip` does not run; install Python 3 with pip, or use --from maven',
  maven: 'no Maven: `mvn` does not run; install it, or use --from pypi',
};

async function pip(
  python: string,
  {requirement, name}: Archive,
  folder: string,
  options: RunOptions,
): Promise<void> {
  // name-version-python-abi-platform.whl: the very file that is pinned, whatever Python asks for it.
  const [tag = '', abi = '', platforms = ''] = name
    .replace(/\.whl$/, '')
    .split('-')
    .slice(2);
  const platform = platforms.split('.')[0]!;
  const python3 = tag === 'py3' ? '3' : tag.slice('cp'.length);
  await runOrFail(
    `${requirement} could not be downloaded`,
    python,
    [
      ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-cache-dir'],
      ...['--retries=2', '--timeout=20', '--no-deps', '--only-binary=:all:', '--dest', folder],
      ...[`--platform=${platform}`, `--python-version=${python3}`],
      ...['--implementation=cp', `--abi=${abi}`, requirement],
    ],
    options,
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
