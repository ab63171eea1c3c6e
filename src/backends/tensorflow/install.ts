// Installs the backend `tensorflow`: libtensorflow out of one archive, the npm package
// @tensorflow/tfjs-node-gpu without its install script, the package's binding and our ops compiled here.
// The package is no dependency of emu's: its own install script would run wherever emu is installed, and
// download a TensorFlow of 2022.
import {existsSync, readdirSync, rmSync} from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {gigabytes} from '../../gigabytes.js';
import {
  type Build,
  buildIn,
  buildsFolder,
  emuRoot,
  type InstalledTensorflow,
  libraryFolder,
  ownBuild,
  ownTfjs,
  packageName,
  packageVersion,
  tensorflowFolder,
} from '../../kernels/tensorflow/layout.js';
import type {TensorflowInfo} from '../../kernels/tensorflow/loadTensorflow.js';
import {type Archive, fetchedFile, findFetcher, missingTools, unpackedSize} from './archives.js';
import {compileBinding, compileOps, compilePreload} from './compile.js';
import {exists, folderSize} from './files.js';
import {lockTensorflow} from './lock.js';
import type {InstallPlan} from './plan.js';
import {InstallError, type RunOptions, runOrFail} from './run.js';
import {checkHash, unpack} from './unpack.js';

export interface InstallOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (stage: string, fraction?: number) => void;
}

/**
 * Does what is missing, in folders beside those in use, and switches on by one rename what has passed the
 * test. Throws InstallError; then, and when `signal` ends it, what was installed before is as it was.
 */
export async function install(
  plan: InstallPlan,
  options: InstallOptions,
): Promise<InstalledTensorflow> {
  await fs.mkdir(buildsFolder(), {recursive: true});
  const release = lockTensorflow();
  try {
    removeLeftovers();
    await checkSpace(plan);
    if (plan.archive) await installLibrary(plan.archive, options);
    return await installBuild(plan.compiler, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    const wayOut = 'make room or set EMU_HOME to another disk';
    throw new InstallError(`${plan.folder}: the disk is full; ${wayOut}`, error);
  } finally {
    release();
  }
}

/** Deletes what an installation that was stopped has left. Without waiting, so that it can be done on Ctrl-C. */
export function removeLeftovers(): void {
  for (const folder of [tensorflowFolder(), buildsFolder()]) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder))
      if (name.endsWith('.part')) rmSync(path.join(folder, name), {recursive: true, force: true});
  }
}

async function checkSpace({folder, space}: InstallPlan): Promise<void> {
  const {bavail, bsize} = await fs.statfs(folder);
  const free = bavail * bsize;
  if (free >= space) return;
  throw new InstallError(
    `${folder}: ${gigabytes(space)} needed, ${gigabytes(free)} free; make room or set EMU_HOME to another disk`,
  );
}

/** Makes `folder` by `make`, which gets another name to work under: complete or absent. */
async function whole(folder: string, make: (part: string) => Promise<void>): Promise<void> {
  const part = `${folder}.part`;
  try {
    await fs.mkdir(part);
    await make(part);
    await fs.rm(folder, {recursive: true, force: true});
    await fs.rename(part, folder);
  } finally {
    await fs.rm(part, {recursive: true, force: true});
  }
}

async function installLibrary(archive: Archive, {signal, onProgress}: InstallOptions) {
  await whole(libraryFolder(), async (part) => {
    const folder = path.join(part, 'download');
    await fs.mkdir(folder);
    const fetch = await findFetcher(archive.source);
    if (!fetch) throw new InstallError(missingTools[archive.source]);
    const stage = `downloading ${archive.requirement}`;
    const timer = setInterval(async () => {
      onProgress(stage, (await folderSize(folder)) / archive.size);
    }, 500);
    try {
      onProgress(stage, 0);
      await fetch(archive, folder, {signal});
    } finally {
      clearInterval(timer);
    }
    const file = await fetchedFile(archive, folder);
    onProgress(`checking ${archive.name}`);
    await checkHash(file, archive);
    onProgress(`unpacking libtensorflow, ${(unpackedSize / 1e6).toFixed(0)} MB`);
    await unpack(file, archive, part, signal);
    await fs.rm(folder, {recursive: true});
  });
}

async function installBuild(
  compiler: string,
  {signal, onProgress}: InstallOptions,
): Promise<InstalledTensorflow> {
  const {folder} = ownBuild();
  let installed: InstalledTensorflow | undefined;
  await whole(folder, async (part) => {
    const build = buildIn(part);
    onProgress(`installing ${packageName} ${packageVersion}`);
    await installPackage(build, {signal});
    onProgress('compiling the binding of tfjs-node-gpu');
    await compileBinding(build, compiler, {signal});
    await compilePreload(build, compiler, {signal});
    await compileOps(build, compiler, {signal}, (done, all) =>
      onProgress("compiling emu's ops for TensorFlow", done / all),
    );
    onProgress('testing it');
    installed = {...(await smoke(build, {signal})), emu: emuRoot};
    await fs.writeFile(build.marker, `${JSON.stringify(installed)}\n`);
  });
  await removeSuperseded(folder);
  return installed!;
}

/** By npm, without its install script; its own copies of tfjs make way for emu's. */
async function installPackage({folder}: Build, options: RunOptions): Promise<void> {
  const manifest = {private: true, dependencies: {[packageName]: packageVersion}};
  await fs.writeFile(path.join(folder, 'package.json'), `${JSON.stringify(manifest)}\n`);
  const flags = ['--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'];
  await runOrFail(
    `${packageName} could not be installed`,
    'npm',
    ['install', ...flags, '--fetch-retries=1'],
    {...options, cwd: folder},
  );
  const modules = path.join(folder, 'node_modules');
  const scope = path.join(modules, '@tensorflow');
  for (const name of await fs.readdir(scope))
    if (`@tensorflow/${name}` !== packageName)
      await fs.rm(path.join(scope, name), {recursive: true});
  await fs.rm(path.join(modules, 'core-js'), {recursive: true, force: true}); // of tfjs only
  for (const [name, own] of ownTfjs()) await fs.symlink(own, path.join(modules, name));
}

/** Runs the smoke test on a build; what it says of itself. */
async function smoke({folder}: Build, options: RunOptions): Promise<TensorflowInfo> {
  const own = fileURLToPath(import.meta.url);
  const script = path.join(path.dirname(own), `smokeChild${path.extname(own)}`);
  const args = [...process.execArgv, script, folder];
  const problem = 'the build does not pass its test';
  const output = await runOrFail(problem, process.execPath, args, options);
  return JSON.parse(output) as TensorflowInfo;
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
