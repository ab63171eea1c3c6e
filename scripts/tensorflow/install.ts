// Brings the foreign parts of the backend `tensorflow` into the cache folder: the npm package
// @tensorflow/tfjs-node-gpu without its install script, and libtensorflow out of a Python wheel.
import {createHash} from 'node:crypto';
import {createReadStream} from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import {type Layout, repository, tensorflowVersion} from './files.js';
import {run, runOrFail, SmokeError} from './run.js';

type Say = (text: string) => void;

const packageName = '@tensorflow/tfjs-node-gpu';
// The last release; the binding and the private members that the backend relies on are of this one.
const packageVersion = '4.22.0';

// The wheel of any CPython does, for the two libraries know nothing of Python.
const wheel = {
  name: `tensorflow_cpu-${tensorflowVersion}-cp311-cp311-manylinux_2_27_x86_64.whl`,
  requirement: `tensorflow-cpu==${tensorflowVersion}`,
  tags: ['manylinux_2_27_x86_64', '--python-version=311', '--implementation=cp', '--abi=cp311'],
  sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
};

/** What is unpacked of the wheel: the libraries, their licences, and the headers of checkCApi.cc. */
const wantedFiles = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  'tensorflow/THIRD_PARTY_NOTICES.txt',
  'tensorflow/include/LICENSE',
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/ctstring.h',
  'tensorflow/include/tensorflow/core/common_runtime/next_pluggable_device/c/',
  'tensorflow/include/tsl/platform/ctstring',
  'tensorflow/include/tsl/platform/platform.h',
  'tensorflow/include/xla/tsl/c/',
];

// argv: the wheel, the target folder, then the beginnings of the names to unpack.
const unpackProgram = `
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        if name.startswith(tuple(sys.argv[3:])) and not name.endswith('/'):
            wheel.extract(name, sys.argv[2])
`;

const GB = 1e9;
const packageSpace = 0.4 * GB; // while npm's copies of tfjs are still there
const librarySpace = 1.2 * GB; // wheel and libraries

/** Does what is missing. Throws SmokeError with the way out. */
export async function install(layout: Layout, say: Say): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    const system = `${process.platform} on ${process.arch}`;
    throw new SmokeError(`libtensorflow is fetched for Linux on x64 only, this is ${system}`);
  }
  await installPackage(layout, say);
  await shareTfjs(layout);
  await installLibrary(layout, say);
}

async function installPackage({folder, packageFolder}: Layout, say: Say): Promise<void> {
  // Written last: what npm left half done is done again.
  const stamp = path.join(packageFolder, '.emu-installed');
  if (await exists(stamp)) return;
  await checkSpace(folder, packageSpace);
  say(`installing ${packageName} ${packageVersion}`);
  const manifest = {private: true, dependencies: {[packageName]: packageVersion}};
  await fs.writeFile(path.join(folder, 'package.json'), `${JSON.stringify(manifest)}\n`);
  const options = ['--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'];
  const {status, stderr} = await run('npm', ['--version']);
  if (status !== 0) throw new SmokeError(`npm does not run (${stderr.trim()}); install it`);
  await runOrFail(`${packageName} could not be installed`, 'npm', ['install', ...options], {
    cwd: folder,
  });
  // Its own tfjs goes: the one of the repository takes its place.
  const scope = path.join(folder, 'node_modules/@tensorflow');
  for (const name of await fs.readdir(scope)) {
    if (name !== path.basename(packageFolder))
      await fs.rm(path.join(scope, name), {recursive: true});
  }
  await fs.writeFile(stamp, packageVersion);
}

/** Has the package find the repository's tfjs: both must use one engine and one set of classes. */
async function shareTfjs({folder}: Layout): Promise<void> {
  for (const name of ['@tensorflow/tfjs', '@tensorflow/tfjs-core']) {
    const link = path.join(folder, 'node_modules', name);
    const target = path.join(repository, 'node_modules', name);
    if ((await fs.readlink(link).catch(() => undefined)) === target) continue;
    await fs.rm(link, {recursive: true, force: true});
    await fs.symlink(target, link);
  }
}

async function installLibrary({folder, libraryFolder}: Layout, say: Say): Promise<void> {
  if (await exists(libraryFolder)) return;
  const python = await findPython();
  await checkSpace(folder, librarySpace);
  const temporary = `${libraryFolder}.part`;
  await fs.rm(temporary, {recursive: true, force: true});
  await fs.mkdir(temporary);
  try {
    say(`downloading ${wheel.requirement} with pip (274 MB)`);
    await runOrFail(`${wheel.requirement} could not be downloaded`, python, [
      ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-cache-dir'],
      ...['--no-deps', '--only-binary=:all:', '--dest', temporary, '--platform', ...wheel.tags],
      wheel.requirement,
    ]);
    const file = path.join(temporary, wheel.name);
    if (!(await exists(file))) throw new SmokeError(`pip downloaded no ${wheel.name}`);
    const actual = await sha256(file);
    if (actual !== wheel.sha256) {
      const expected = `expected SHA-256 ${wheel.sha256}, got ${actual}`;
      throw new SmokeError(`${wheel.name}: ${expected}; it was removed, run this again`);
    }
    say('unpacking libtensorflow (853 MB)');
    const args = ['-c', unpackProgram, file, temporary, ...wantedFiles];
    await runOrFail('the wheel could not be unpacked', python, args);
    await fs.rm(file);
    await fs.rename(path.join(temporary, 'tensorflow'), libraryFolder);
  } finally {
    await fs.rm(temporary, {recursive: true, force: true});
  }
}

/** The user's Python that has pip. */
async function findPython(): Promise<string> {
  for (const python of ['python3', 'python']) {
    const {status} = await run(python, ['-m', 'pip', '--version']);
    if (status === 0) return python;
  }
  throw new SmokeError('no pip: `python3 -m pip` does not run; install Python 3 with pip');
}

async function checkSpace(folder: string, wanted: number): Promise<void> {
  const {bavail, bsize} = await fs.statfs(folder);
  const free = bavail * bsize;
  if (free >= wanted) return;
  const needed = `${(wanted / GB).toFixed(1)} GB needed, ${(free / GB).toFixed(1)} GB free`;
  throw new SmokeError(`${folder}: ${needed}; make room or set EMU_CACHE_DIR to another disk`);
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

const exists = (file: string) =>
  fs.access(file).then(
    () => true,
    () => false,
  );
