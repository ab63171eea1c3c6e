// Compiles the three libraries of a build against the declarations in src/kernels/tensorflow/cApi.h: the
// binding, whose sources are in the npm package, our ops, and what loads TensorFlow before them.
import fs from 'node:fs/promises';
import {createRequire} from 'node:module';
import os from 'node:os';
import path from 'node:path';
import {COMMON_FLAGS, isaFlagsOf, isasOf} from '../../../scripts/build-native.js';
import {
  type Build,
  emuRoot,
  kernelsFolder,
  opSources,
  preloadFile,
} from '../../kernels/tensorflow/layout.js';
import {type RunOptions, runOrFail} from './run.js';

const require = createRequire(import.meta.url);
const nodeHeaders = path.join(
  path.dirname(require.resolve('node-api-headers/package.json')),
  'include',
);

export interface CompileOptions extends RunOptions {
  /** The compiler's path. */
  readonly compiler: string;
  /** The folder of a libtensorflow to link with, of either variant. */
  readonly libraries: string;
}

/** Calls `onFile` with the number of files that are done and of all. Throws InstallError. */
export async function compileAll(
  build: Build,
  options: CompileOptions,
  onFile: (done: number, all: number) => void,
): Promise<void> {
  const objectFolder = `${build.ops}.objects`;
  await fs.mkdir(objectFolder);
  const ops = opSources().flatMap((source) => isasOf(source).map((isa) => ({source, isa})));
  const objects = ops.map((_, index) => path.join(objectFolder, `${index}.o`));
  const jobs = [
    // The longest first.
    () => compileBinding(build, options),
    ...ops.map(
      ({source, isa}, index) =>
        () =>
          compileOp(source, isa, objects[index]!, options),
    ),
    () => compilePreload(build, options),
  ];
  await inParallel(jobs, onFile);
  // The framework alone has all that ops call.
  const links = linkFlags(options.libraries, ['framework']);
  const args = ['-shared', '-pthread', ...objects, ...links, '-o', build.ops];
  await runOrFail('our ops do not link', options.compiler, args, options);
  await fs.rm(objectFolder, {recursive: true});
}

async function compileBinding(build: Build, options: CompileOptions): Promise<void> {
  const folder = path.join(build.packageFolder, 'binding');
  const files = (await fs.readdir(folder)).filter((name) => name.endsWith('.cc'));
  await fs.mkdir(path.dirname(build.binding), {recursive: true});
  const args = [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8'],
    ...[`-isystem${nodeHeaders}`, `-I${path.join(kernelsFolder, 'tensorflow', 'include')}`],
    ...files.map((name) => path.join(folder, name)),
    ...linkFlags(options.libraries, ['cc', 'framework']),
    ...['-o', build.binding],
  ];
  const problem = 'the binding of tfjs-node-gpu does not compile';
  await runOrFail(problem, options.compiler, args, options);
}

async function compileOp(
  source: string,
  isa: string | undefined,
  object: string,
  options: CompileOptions,
): Promise<void> {
  const isaFlags = isa ? isaFlagsOf(isa) : [];
  const flags = [...COMMON_FLAGS, ...isaFlags, `-isystem${nodeHeaders}`];
  const problem = `${path.relative(emuRoot, source)} does not compile`;
  await runOrFail(problem, options.compiler, [...flags, '-c', source, '-o', object], options);
}

async function compilePreload(build: Build, options: CompileOptions): Promise<void> {
  const flags = [...COMMON_FLAGS, `-isystem${nodeHeaders}`, '-shared'];
  const args = [...flags, preloadFile, '-ldl', '-o', build.preload];
  await runOrFail('tensorflow/preload.cc does not compile', options.compiler, args, options);
}

/** Links with parts of libtensorflow, without their path: preload.cc has loaded them by then. */
function linkFlags(folder: string, parts: readonly string[]): string[] {
  return [`-L${folder}`, ...parts.map((name) => `-l:libtensorflow_${name}.so.2`)];
}

/** Runs the jobs, as many at a time as there are cores (a compiler takes up to 300 MB); stops at a failure. */
async function inParallel(
  jobs: readonly (() => Promise<void>)[],
  onDone: (done: number, all: number) => void,
): Promise<void> {
  let next = 0;
  let done = 0;
  onDone(0, jobs.length);
  const worker = async () => {
    while (next < jobs.length) {
      await jobs[next++]!();
      onDone(++done, jobs.length);
    }
  };
  const workers = Array.from({length: Math.min(8, os.availableParallelism())}, worker);
  try {
    await Promise.all(workers);
  } finally {
    next = jobs.length;
    // No compiler may still write where the caller tidies up.
    await Promise.allSettled(workers);
  }
}
