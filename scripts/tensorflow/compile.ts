// Compiles the two libraries of the backend `tensorflow` against the declarations in
// src/kernels/tensorflow/cApi.h: the binding, whose sources are in the npm package, and our ops.
import {createHash} from 'node:crypto';
import fs from 'node:fs/promises';
import {createRequire} from 'node:module';
import path from 'node:path';
import {
  COMMON_FLAGS,
  compilerIdentity,
  findCompiler,
  ISA_FLAGS,
  SIMD_ISAS,
} from '../build-native.js';
import {type Layout, repository} from './files.js';
import {runOrFail, SmokeError} from './run.js';

type Say = (text: string) => void;

const kernels = path.join(repository, 'src/kernels');
const own = path.join(kernels, 'tensorflow');
const require = createRequire(import.meta.url);

/** The scripts that say how things are compiled. */
const recipe = ['tensorflow/compile.ts', 'build-native.js'].map((name) =>
  path.join(repository, 'scripts', name),
);
/** Sources of our ops: of this backend, and kernels that it shares with the native one. */
const opSources = ['tensorflow/ops.cc', 'tensorflow/rmsNorm.cc'];
const sharedSources = ['norm/norm.simd.cc', 'native/cpu.cc', 'native/threadPool.cc'];

/** Compiles what changed since the last time. */
export async function compile(layout: Layout, say: Say): Promise<void> {
  const compiler = findCompiler();
  if (!compiler) {
    const tried = process.env.CXX ? `CXX=${process.env.CXX}` : 'c++, g++, clang++';
    throw new SmokeError(`no C++ compiler (${tried}); install one, for example g++`);
  }
  const headersPackage = path.dirname(require.resolve('node-api-headers/package.json'));
  const nodeHeaders = path.join(headersPackage, 'include');
  const context: Context = {layout, compiler, nodeHeaders, say};
  await checkDeclarations(context);
  await compileBinding(context);
  await compileOps(context);
}

interface Context {
  readonly layout: Layout;
  readonly compiler: string;
  readonly nodeHeaders: string;
  readonly say: Say;
}

/** Runs `build` unless `output` was made of the same inputs; it writes the file it is given. */
async function buildOnce(
  context: Context,
  output: string,
  inputs: readonly string[],
  build: (target: string) => Promise<void>,
): Promise<void> {
  const hash = createHash('sha256').update(compilerIdentity(context.compiler));
  for (const file of [...inputs, ...recipe].sort()) {
    hash.update(`\0${file}\0`).update(await fs.readFile(file));
  }
  const digest = hash.digest('hex');
  const stamp = `${output}.sha256`;
  const known = await fs.readFile(stamp, 'utf8').catch(() => undefined);
  if (known === digest && (await fs.stat(output).catch(() => undefined))) return;
  await fs.mkdir(path.dirname(output), {recursive: true});
  const temporary = `${output}.part`;
  await build(temporary);
  await fs.rename(temporary, output);
  await fs.writeFile(stamp, digest);
}

/** The headers in one folder of src/kernels. */
async function headers(folder: string): Promise<string[]> {
  const names = await fs.readdir(path.join(kernels, folder));
  const isHeader = (name: string) => name.endsWith('.h');
  return names.filter(isHeader).map((name) => path.join(kernels, folder, name));
}

/** Fails unless cApi.h agrees with the headers of the libtensorflow at hand. */
async function checkDeclarations(context: Context): Promise<void> {
  const {compiler, layout, say} = context;
  const source = path.join(own, 'checkCApi.cc');
  const stamp = path.join(layout.folder, 'declarations-checked');
  await buildOnce(context, stamp, [source, ...(await headers('tensorflow'))], async (target) => {
    say('comparing our C declarations with the headers of libtensorflow');
    const include = path.join(layout.libraryFolder, 'include');
    const args = ['-std=c++17', '-fsyntax-only', `-I${include}`, source];
    await runOrFail("cApi.h is not what TensorFlow's headers say", compiler, args);
    await fs.writeFile(target, '');
  });
}

async function compileBinding(context: Context): Promise<void> {
  const {layout, compiler, nodeHeaders, say} = context;
  const folder = path.join(layout.packageFolder, 'binding');
  const files = (await fs.readdir(folder)).map((name) => path.join(folder, name));
  const inputs = [...files, ...(await headers('tensorflow'))];
  await buildOnce(context, layout.binding, inputs, async (target) => {
    say('compiling the binding of tfjs-node-gpu');
    await runOrFail('the binding of tfjs-node-gpu does not compile', compiler, [
      ...['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8'],
      ...[`-isystem${nodeHeaders}`, `-I${path.join(own, 'include')}`],
      ...files.filter((file) => file.endsWith('.cc')),
      ...linkFlags(layout, path.dirname(layout.binding)),
      ...['-o', target],
    ]);
  });
}

async function compileOps(context: Context): Promise<void> {
  const {layout, compiler, nodeHeaders, say} = context;
  const sources = [...opSources, ...sharedSources].map((name) => path.join(kernels, name));
  const folders = ['tensorflow', 'native', 'norm'];
  const inputs = [...sources, ...(await Promise.all(folders.map(headers))).flat()];
  await buildOnce(context, layout.ops, inputs, async (target) => {
    say('compiling our ops for TensorFlow');
    const objectFolder = `${target}.objects`;
    await fs.rm(objectFolder, {recursive: true, force: true});
    await fs.mkdir(objectFolder);
    const objects: string[] = [];
    for (const source of sources) {
      for (const isa of source.endsWith('.simd.cc') ? SIMD_ISAS : [undefined]) {
        const object = path.join(objectFolder, `${objects.length}.o`);
        const isaFlags = isa ? [...(ISA_FLAGS[isa] ?? []), `-DEMU_ISA=${isa}`] : [];
        const includes = [`-isystem${nodeHeaders}`];
        const args = [...COMMON_FLAGS, ...isaFlags, ...includes, '-c', source, '-o', object];
        const name = path.relative(repository, source);
        await runOrFail(`${name} does not compile`, compiler, args);
        objects.push(object);
      }
    }
    const links = linkFlags(layout, path.dirname(layout.ops));
    const args = ['-shared', '-pthread', ...objects, ...links, '-o', target];
    await runOrFail('our ops do not link', compiler, args);
    await fs.rm(objectFolder, {recursive: true});
  });
}

/** Links with libtensorflow, found at run time from where the library lies. */
function linkFlags({libraryFolder}: Layout, from: string): string[] {
  const libraries = ['cc', 'framework'].map((name) => `-l:libtensorflow_${name}.so.2`);
  const relative = path.relative(from, libraryFolder);
  return [`-L${libraryFolder}`, ...libraries, `-Wl,-rpath,$ORIGIN/${relative}`];
}
