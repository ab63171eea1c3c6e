// Where the backend `tensorflow` lies in the user's data folder. What is unpacked and what is built are
// folders that are complete or absent: each is made under another name and gets its own at the end.
//   backends/tensorflow/libtensorflow-2.21.0/            libtensorflow's two files and their licences
//   backends/tensorflow/libtensorflow-2.21.0-cuda12.9/   lib/ the same built for CUDA, nvidia/<name>/ its libraries
//   backends/tensorflow/builds/<key>/                    the npm package, its binding, our ops, installed.json
// A build works with either libtensorflow; installed.json says with which it was tested and is used.
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

/** Of NVIDIA's libraries; a folder holds those of one version. */
export const cudaVersion = '12.9';
/** Which libtensorflow: for the processor alone, or built for CUDA. */
export type Variant = 'cpu' | 'gpu';

/** Of emu, a clone or an installed package. */
export const emuRoot = fileURLToPath(new URL('../../../', import.meta.url));
export const kernelsFolder = path.join(emuRoot, 'src', 'kernels');

/** Sources of our ops: of this backend, and kernels that it shares with the native one. */
const ownSources = [
  ...['ops', 'adamw', 'attention', 'batchNorm', 'cacheWrite', 'conv2d', 'elementwise'],
  ...['groupNorm', 'norm', 'patches', 'product', 'rope', 'softmaxCrossEntropy'],
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

/** Pins what npm fetches, see src/backends/tensorflow/npmPackage.ts. */
export const lockFile = path.join(emuRoot, 'src/backends/tensorflow/package/package-lock.json');

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
  /** The package's addon, where it is not to be unloaded. */
  readonly binding?: string;
  /** The library of our ops; none: without them. */
  readonly ops?: string;
  /** The library that loads TensorFlow first; none: the binding loads its own. */
  readonly preload?: string;
  /** What it loads, in this order. */
  readonly libraries: readonly string[];
  /** Which of TensorFlow's messages reach stderr. */
  readonly logLevel: LogLevel;
}

/** These and graver ones. */
export type LogLevel = 'notes' | 'errors' | 'none';

/** A folder below builds/. */
export interface Build extends Omit<TensorflowFiles, 'libraries' | 'logLevel'> {
  readonly folder: string;
  readonly binding: string;
  readonly ops: string;
  readonly preload: string;
  /** Tells what the build is: InstalledTensorflow as JSON. */
  readonly marker: string;
}

/** What installed.json says. */
export interface InstalledTensorflow {
  /** Of libtensorflow. */
  readonly version: string;
  readonly variant: Variant;
  /** What it computed on when it was tested. */
  readonly device: 'cpu' | 'gpu';
  /** Why that was not a GPU, with libraries that are built for one. */
  readonly reason?: string;
  /** The emu that it was built for. */
  readonly emu: string;
}

/** All that belongs to the backend. */
export function tensorflowFolder(): string {
  return path.join(dataFolder(), 'backends', 'tensorflow');
}

/** All that belonged to it, while it is deleted. */
export function removedFolder(): string {
  return `${tensorflowFolder()}.removed`;
}

/** What belongs to libtensorflow for CUDA. */
export function gpuFolder(): string {
  return path.join(tensorflowFolder(), `libtensorflow-${tensorflowVersion}-cuda${cudaVersion}`);
}

/** Of libtensorflow's two files. */
export function libraryFolder(variant: Variant): string {
  if (variant === 'gpu') return path.join(gpuFolder(), 'lib');
  return path.join(tensorflowFolder(), `libtensorflow-${tensorflowVersion}`);
}

/** One of NVIDIA's packages: libtensorflow looks for it beside its own folder, under this name. */
export function nvidiaFolder(name: string): string {
  return path.join(gpuFolder(), 'nvidia', name);
}

/**
 * The libraries to load before the binding, which then finds them by their names. libtensorflow asks for cuSOLVER
 * and cuDNN for NVRTC by name, each in folders where NVIDIA's packages have another library.
 */
function librariesToLoad(variant: Variant): string[] {
  const own = ['libtensorflow_framework.so.2', 'libtensorflow_cc.so.2'].map((name) =>
    path.join(libraryFolder(variant), name),
  );
  if (variant === 'cpu') return own;
  const cusolver = path.join(nvidiaFolder('cusolver'), 'lib', 'libcusolver.so.11');
  const nvrtc = path.join(nvidiaFolder('cuda_nvrtc'), 'lib', 'libnvrtc.so.12');
  return [cusolver, nvrtc, ...own];
}

/** A build over one of the two libtensorflow. */
export function withLibraries(
  build: Build,
  variant: Variant,
  logLevel: LogLevel = 'errors',
): Build & TensorflowFiles {
  return {...build, libraries: librariesToLoad(variant), logLevel};
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
  for (const file of [...opSources(), ...opHeaders(), preloadFile, recipe, lockFile].sort()) {
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
  | {readonly build: Build & TensorflowFiles; readonly installed: InstalledTensorflow}
  | {readonly problem: string} {
  const again = 'run `emu backend install tensorflow`';
  const build = ownBuild();
  const isHere = (variant: Variant) => existsSync(libraryFolder(variant));
  if (existsSync(build.marker)) {
    const installed = JSON.parse(readFileSync(build.marker, 'utf8')) as InstalledTensorflow;
    const {variant, reason} = installed;
    // That there is no GPU is known, and said by emu in words of its own.
    const logLevel = reason ? 'none' : 'errors';
    if (isHere(variant)) return {build: withLibraries(build, variant, logLevel), installed};
  }
  if (!isHere('cpu') && !isHere('gpu')) return {problem: `it is not installed; ${again}`};
  const why = 'its installation is for another version of emu, or was not finished';
  return {problem: `${why}; ${again} once more, which goes on from what is here`};
}
