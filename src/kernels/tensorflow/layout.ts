// Where the backend `tensorflow` lies in the user's data folder. What is unpacked and what is built are
// folders that are complete or absent: each is made under another name and gets its own at the end.
//   backends/tensorflow/libtensorflow-2.21.0/   libtensorflow's two files and their licences
//   backends/tensorflow/builds/<key>/           the npm package, its binding, our ops, installed.json
import {createHash} from 'node:crypto';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {dataFolder} from '../../userFolders.js';

export const tensorflowVersion = '2.21.0';
export const packageName = '@tensorflow/tfjs-node-gpu';
/** The last release; the binding and the private members that the backend relies on are of this one. */
export const packageVersion = '4.22.0';

/** Of emu, a clone or an installed package. */
export const emuRoot = fileURLToPath(new URL('../../../', import.meta.url));
export const kernelsFolder = path.join(emuRoot, 'src', 'kernels');

/** Sources of our ops: of this backend, and kernels that it shares with the native one. */
const ownSources = [
  ...['ops', 'adamw', 'attention', 'batchNorm', 'cacheWrite', 'conv2d', 'elementwise'],
  ...['groupNorm', 'norm', 'product', 'rope', 'softmaxCrossEntropy'],
].map((name) => `tensorflow/${name}.cc`);
const sharedSources = [
  'adamw/adamw.simd.cc',
  'attention/attention.simd.cc',
  'attention/attentionGrad.simd.cc',
  'batchNorm/batchNorm.simd.cc',
  'conv2d/conv2d.simd.cc',
  'gelu/gelu.simd.cc',
  'groupNorm/groupNorm.simd.cc',
  'norm/norm.simd.cc',
  'rope/rope.simd.cc',
  'siluGate/siluGate.simd.cc',
  'softmaxCrossEntropy/softmaxCrossEntropy.simd.cc',
  'native/cpu.cc',
  'native/gemm.avx512bf16.cc',
  'native/gemm.cc',
  'native/gemm.simd.cc',
  'native/threadPool.cc',
];
const headerFolders = [
  ...new Set([...ownSources, ...sharedSources].map((file) => path.dirname(file))),
];

/** What loads libtensorflow, see there. */
export const preloadFile = path.join(kernelsFolder, 'tensorflow/preload.cc');

/** The files that our ops are compiled of, with full paths. */
export function opSources(): string[] {
  return [...ownSources, ...sharedSources].map((name) => path.join(kernelsFolder, name));
}

/** The headers that they include. */
function opHeaders(): string[] {
  return headerFolders.flatMap((folder) =>
    readdirSync(path.join(kernelsFolder, folder))
      .filter((name) => name.endsWith('.h'))
      .map((name) => path.join(kernelsFolder, folder, name)),
  );
}

export interface TensorflowFiles {
  /** The folder of the package @tensorflow/tfjs-node-gpu, its binding compiled. */
  readonly packageFolder: string;
  /** The library of our ops. */
  readonly ops: string;
  /** The library that loads TensorFlow first. */
  readonly preload: string;
}

/** A folder below builds/. */
export interface Build extends TensorflowFiles {
  readonly folder: string;
  readonly binding: string;
  /** Tells what the build is: InstalledTensorflow as JSON. */
  readonly marker: string;
}

/** What installed.json says. */
export interface InstalledTensorflow {
  /** Of libtensorflow. */
  readonly version: string;
  readonly device: 'cpu' | 'gpu';
  /** The emu that it was built for. */
  readonly emu: string;
}

/** All that belongs to the backend. */
export function tensorflowFolder(): string {
  return path.join(dataFolder(), 'backends', 'tensorflow');
}

export function libraryFolder(): string {
  return path.join(tensorflowFolder(), `libtensorflow-${tensorflowVersion}`);
}

export function buildsFolder(): string {
  return path.join(tensorflowFolder(), 'builds');
}

export function buildIn(folder: string): Build {
  const packageFolder = path.join(folder, 'node_modules', packageName);
  return {
    folder,
    packageFolder,
    binding: path.join(packageFolder, 'lib', 'napi-v8', 'tfjs_binding.node'),
    ops: path.join(folder, 'emu_ops.node'),
    preload: path.join(folder, 'emu_preload.node'),
    marker: path.join(folder, 'installed.json'),
  };
}

/** tfjs as emu has it, by name: the package must use the same engine and the same classes. */
export function ownTfjs(): Map<string, string> {
  const require = createRequire(import.meta.url);
  return new Map(
    ['@tensorflow/tfjs', '@tensorflow/tfjs-core'].map((name) => [
      name,
      path.dirname(require.resolve(`${name}/package.json`)),
    ]),
  );
}

/** Tells the builds of different sources, or for another copy of tfjs, apart. */
function buildKey(): string {
  const hash = createHash('sha256').update(`${tensorflowVersion} ${packageVersion}`);
  for (const folder of ownTfjs().values()) hash.update(`\0${folder}`);
  const recipe = path.join(emuRoot, 'scripts', 'build-native.js');
  for (const file of [...opSources(), ...opHeaders(), preloadFile, recipe].sort()) {
    hash.update(`\0${path.relative(kernelsFolder, file)}\0`).update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 16);
}

/** The build that this emu uses, whether it is there or not. */
export function ownBuild(): Build {
  return buildIn(path.join(buildsFolder(), buildKey()));
}

/** What is installed for this emu, or why nothing is and what to run. */
export function findTensorflow():
  | {readonly build: Build; readonly installed: InstalledTensorflow}
  | {readonly problem: string} {
  const again = 'run `emu backend install tensorflow`';
  if (!existsSync(libraryFolder())) return {problem: `it is not installed; ${again}`};
  const build = ownBuild();
  if (!existsSync(build.marker)) {
    const why = 'it was installed for another version of emu';
    return {problem: `${why}; ${again} once more, which downloads little`};
  }
  const installed = JSON.parse(readFileSync(build.marker, 'utf8')) as InstalledTensorflow;
  return {build, installed};
}
