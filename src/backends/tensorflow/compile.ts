// Compiles the two libraries of a build against the declarations in src/kernels/tensorflow/cApi.h: the
// binding, whose sources are in the npm package, and our ops.
import fs from 'node:fs/promises';
import {createRequire} from 'node:module';
import path from 'node:path';
import {COMMON_FLAGS, isaFlagsOf, isasOf} from '../../../scripts/build-native.js';
import {
  type Build,
  emuRoot,
  kernelsFolder,
  libraryFolder,
  opSources,
  preloadFile,
} from '../../kernels/tensorflow/layout.js';
import {type RunOptions, runOrFail} from './run.js';

const require = createRequire(import.meta.url);
const nodeHeaders = path.join(
  path.dirname(require.resolve('node-api-headers/package.json')),
  'include',
);

export async function compileBinding(
  build: Build,
  compiler: string,
  options: RunOptions,
): Promise<void> {
  const folder = path.join(build.packageFolder, 'binding');
  const files = (await fs.readdir(folder)).filter((name) => name.endsWith('.cc'));
  await fs.mkdir(path.dirname(build.binding), {recursive: true});
  const args = [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8'],
    ...[`-isystem${nodeHeaders}`, `-I${path.join(kernelsFolder, 'tensorflow', 'include')}`],
    ...files.map((name) => path.join(folder, name)),
    ...linkFlags(build.binding, ['cc', 'framework']),
    ...['-o', build.binding],
  ];
  await runOrFail('the binding of tfjs-node-gpu does not compile', compiler, args, options);
}

export async function compilePreload(
  build: Build,
  compiler: string,
  options: RunOptions,
): Promise<void> {
  const flags = [...COMMON_FLAGS, `-isystem${nodeHeaders}`, '-shared'];
  const args = [...flags, preloadFile, '-ldl', '-o', build.preload];
  await runOrFail('tensorflow/preload.cc does not compile', compiler, args, options);
}

/** Calls `onFile` with the number of files that are done and of all. */
export async function compileOps(
  build: Build,
  compiler: string,
  options: RunOptions,
  onFile: (done: number, all: number) => void,
): Promise<void> {
  const objectFolder = `${build.ops}.objects`;
  await fs.mkdir(objectFolder);
  const files = opSources().flatMap((source) => isasOf(source).map((isa) => ({source, isa})));
  const objects: string[] = [];
  for (const {source, isa} of files) {
    onFile(objects.length, files.length);
    const object = path.join(objectFolder, `${objects.length}.o`);
    const isaFlags = isa ? isaFlagsOf(isa) : [];
    const flags = [...COMMON_FLAGS, ...isaFlags, `-isystem${nodeHeaders}`];
    const name = path.relative(emuRoot, source);
    const args = [...flags, '-c', source, '-o', object];
    await runOrFail(`${name} does not compile`, compiler, args, options);
    objects.push(object);
  }
  // The framework alone has all that ops call.
  const links = linkFlags(build.ops, ['framework']);
  const args = ['-shared', '-pthread', ...objects, ...links, '-o', build.ops];
  await runOrFail('our ops do not link', compiler, args, options);
  await fs.rm(objectFolder, {recursive: true});
}

/** Links with parts of libtensorflow, found at run time from where the library lies. */
function linkFlags(library: string, parts: readonly string[]): string[] {
  const libraries = parts.map((name) => `-l:libtensorflow_${name}.so.2`);
  const relative = path.relative(path.dirname(library), libraryFolder());
  return [`-L${libraryFolder()}`, ...libraries, `-Wl,-rpath,$ORIGIN/${relative}`];
}
