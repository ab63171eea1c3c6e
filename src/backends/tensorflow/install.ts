// Installs the backend `tensorflow`: libtensorflow and, for a GPU, NVIDIA's libraries out of archives, the npm package
// @tensorflow/tfjs-node-gpu without its install script, the package's binding and our ops compiled here.
// The package is an optional peer of emu's, which npm does not install: its own install script would run wherever emu is installed, and
// download a TensorFlow of 2022.
import {existsSync, readdirSync, rmSync} from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import {gigabytes} from '../../gigabytes.js';
import {
  type Build,
  buildIn,
  buildsFolder,
  emuRoot,
  type InstalledTensorflow,
  libraryFolder,
  ownBuild,
  packageName,
  packageVersion,
  removedFolder,
  tensorflowFolder,
} from '../../kernels/tensorflow/layout.js';
import type {TensorflowInfo} from '../../kernels/tensorflow/loadTensorflow.js';
import type {Archive} from './archive.js';
import {compileAll} from './compile.js';
import {fetchedFile, findFetcher, missingTools} from './fetch.js';
import {exists, folderSize} from './files.js';
import {lockTensorflow} from './lock.js';
import {installPackage} from './npmPackage.js';
import {type InstallPlan, requireBuildTools} from './plan.js';
import {InstallError} from './run.js';
import {type TestBuild, testBuild} from './testBuild.js';
import {checkHash, unpack} from './unpack.js';

export interface InstallOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (stage: string, fraction?: number) => void;
}

/**
 * Does what is missing, in folders beside those in use, and switches on by one rename what has passed `test`.
 * Throws InstallError; then, and when `signal` ends it, what was installed before is as it was, and an archive that
 * is unpacked stays.
 */
export async function install(
  plan: InstallPlan,
  options: InstallOptions,
  test: TestBuild = testBuild,
): Promise<InstalledTensorflow> {
  const {variant} = plan;
  try {
    await fs.mkdir(buildsFolder(), {recursive: true});
    const release = lockTensorflow();
    try {
      removeLeftovers();
      await checkSpace(plan);
      await installArchives(plan.archives, options);
      const info =
        (await testExisting(plan, options, test)) ?? (await installBuild(plan, options, test));
      const installed = {...info, variant, emu: emuRoot};
      await writeInstalled(ownBuild(), installed);
      await removeSuperseded(ownBuild().folder);
      return installed;
    } finally {
      release();
    }
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code!)) throw error;
    const wayOut = 'make room or set EMU_HOME to another disk';
    throw new InstallError(`${plan.folder}: the disk is full; ${wayOut}`, error);
  }
}

/** Deletes what installations and removals that were stopped have left. */
function removeLeftovers(): void {
  rmSync(removedFolder(), {recursive: true, force: true});
  removeParts(PART);
}

/** Deletes what this process works on. Without waiting, so that it can be done on Ctrl-C. */
export function removeUnfinished(): void {
  removeParts(`.${process.pid}${PART}`);
}

function removeParts(ending: string): void {
  const folder = tensorflowFolder();
  if (!existsSync(folder)) return;
  // A program that has just been killed may still be at its last file.
  for (const name of readdirSync(folder).filter((one) => one.endsWith(ending)))
    rmSync(path.join(folder, name), {recursive: true, force: true, maxRetries: 5, retryDelay: 50});
}

async function checkSpace({folder, space}: InstallPlan): Promise<void> {
  const {bavail, bsize} = await fs.statfs(folder);
  const free = bavail * bsize;
  if (free >= space) return;
  throw new InstallError(
    `${folder}: ${gigabytes(space)} needed, ${gigabytes(free)} free; make room or set EMU_HOME to another disk`,
  );
}

/** Of the names of what is not complete. */
const PART = '.part';

/** Makes `folder` by `make`, which gets another one to work in: complete or absent. */
async function whole(folder: string, make: (part: string) => Promise<void>): Promise<void> {
  // With the process in the name: programs that a killed one has left running may go on writing there.
  const name = path.join(tensorflowFolder(), path.basename(folder));
  const part = `${name}.${process.pid}${PART}`;
  const old = `${name}.old.${process.pid}${PART}`;
  try {
    await fs.mkdir(part);
    await make(part);
    await fs.mkdir(path.dirname(folder), {recursive: true});
    if (await exists(folder)) await fs.rename(folder, old);
    await fs.rename(part, folder);
  } finally {
    for (const one of [part, old]) await fs.rm(one, {recursive: true, force: true});
  }
}

async function installArchives(archives: readonly Archive[], options: InstallOptions) {
  const total = archives.reduce((sum, {size}) => sum + size, 0);
  let before = 0;
  for (const [index, archive] of archives.entries()) {
    const place = archives.length > 1 ? ` (${index + 1} of ${archives.length})` : '';
    const onProgress = (stage: string, done: number) =>
      options.onProgress(`${stage}${place}`, (before + Math.min(done, archive.size)) / total);
    await installArchive(archive, options.signal, onProgress);
    before += archive.size;
  }
}

/** Reports the bytes of the archive that are there. */
async function installArchive(
  archive: Archive,
  signal: AbortSignal,
  onProgress: (stage: string, done: number) => void,
): Promise<void> {
  const {folder, requirement, size, source, unpackedSize} = archive;
  await whole(folder, async (part) => {
    const download = path.join(part, 'download');
    await fs.mkdir(download);
    const fetcher = await findFetcher(source);
    if (!fetcher) throw new InstallError(missingTools[source]);
    const stage = `downloading ${requirement}`;
    const timer = setInterval(async () => onProgress(stage, await folderSize(download)), 500);
    try {
      onProgress(stage, 0);
      await fetcher.fetch(archive, download, {temporary: download, signal});
    } finally {
      clearInterval(timer);
    }
    const file = await fetchedFile(archive, download);
    onProgress(`checking ${requirement}`, size);
    await checkHash(file, archive);
    onProgress(`unpacking ${requirement}, ${(unpackedSize / 1e6).toFixed(0)} MB`, size);
    await unpack(file, archive, part, signal);
    await fs.rm(download, {recursive: true});
  });
}

/** What the build that is here says over these libraries; undefined: there is none, or it does not work. */
async function testExisting(
  {hasBuild, variant}: InstallPlan,
  {signal, onProgress}: InstallOptions,
  test: TestBuild,
): Promise<TensorflowInfo | undefined> {
  if (!hasBuild) return undefined;
  onProgress('testing it');
  try {
    return await test(ownBuild(), variant, {signal});
  } catch (error) {
    if (error instanceof InstallError) return undefined;
    throw error;
  }
}

async function installBuild(
  {variant, compiler: planned}: InstallPlan,
  {signal, onProgress}: InstallOptions,
  test: TestBuild,
): Promise<TensorflowInfo> {
  // A build that was there, and does not work, was planned without.
  const compiler = planned ?? (await requireBuildTools());
  let info: TensorflowInfo | undefined;
  await whole(ownBuild().folder, async (part) => {
    const build = buildIn(part);
    const temporary = path.join(part, 'temporary');
    await fs.mkdir(temporary);
    onProgress(`installing ${packageName} ${packageVersion}`);
    await installPackage(build, {temporary, signal});
    const libraries = libraryFolder(variant);
    await compileAll(build, {compiler, libraries, temporary, signal}, (done, all) =>
      onProgress("compiling the binding and emu's ops for TensorFlow", done / all),
    );
    onProgress('testing it');
    info = await test(build, variant, {signal});
    await fs.rm(temporary, {recursive: true});
    await writeInstalled(build, {...info, variant, emu: emuRoot});
  });
  return info!;
}

/** Switches a build on over the libraries it was tested with. */
async function writeInstalled({marker}: Build, installed: InstalledTensorflow): Promise<void> {
  const text = `${JSON.stringify(installed)}\n`;
  const temporary = `${marker}.new`;
  await fs.writeFile(temporary, text);
  await fs.rename(temporary, marker);
}

/** Takes away the builds that this emu, or one that is gone, was using before. */
async function removeSuperseded(current: string): Promise<void> {
  for (const name of await fs.readdir(buildsFolder())) {
    const build = buildIn(path.join(buildsFolder(), name));
    if (build.folder === current) continue;
    const text = await fs.readFile(build.marker, 'utf8').catch(() => undefined);
    const owner = text && (JSON.parse(text) as InstalledTensorflow).emu;
    if (!owner || owner === emuRoot || !(await exists(owner)))
      await fs.rm(build.folder, {recursive: true, force: true});
  }
}
