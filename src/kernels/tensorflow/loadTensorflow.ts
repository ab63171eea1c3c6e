// The backend `tensorflow`: @tensorflow/tfjs-node-gpu over a libtensorflow of today, with our ops.
// Where its files come from: src/backends/tensorflow/install.ts.
import {createRequire} from 'node:module';
import os from 'node:os';
import path from 'node:path';
import util from 'node:util';
import tf from '#tfjs';
import {EmuError} from '../../errors.js';
import {replaceKernel} from './customOp.js';
import {decodeForStockOps} from './encodedWeights.js';
import {chooseGpu, type GpuChoice, gpuMemory, localRank, visibleGpus} from './gpu.js';
import {tensorflowKernels} from './kernels.js';
import {findTensorflow, type TensorflowFiles} from './layout.js';
import {explainOutOfMemory} from './outOfMemory.js';
import {registerStockFixes} from './stockFixes.js';
import {findStockPackage} from './stockPackage.js';
import {TENSORFLOW, type TensorflowBackend} from './tensorflowBackend.js';

export interface TensorflowInfo {
  /** Of libtensorflow. */
  readonly version: string;
  readonly device: 'cpu' | 'gpu';
  /** That one op may use; they hold for the life of the process. */
  readonly threads: number;
  /** Whether the device multiplies numbers in bfloat16 faster than in float32. */
  readonly hasBf16: boolean;
  /** What a person should know of it: why it computes on the CPU, say. */
  readonly reason?: string;
  /** Which GPU, where nvidia-smi or CUDA_VISIBLE_DEVICES names some. */
  readonly gpu?: GpuChoice;
}

/** What preload.cc exports. */
interface Preload {
  /** setenv(3), for libtensorflow: in a worker thread process.env is only a copy. */
  setEnvironment(name: string, value: string): void;
  load(file: string, logLevel: number): void;
}

/** Without it the environment of the main thread is set, and the package loads its own libraries. */
const noPreload: Preload = {
  setEnvironment: (name, value) => {
    process.env[name] = value;
  },
  load: () => {},
};

/** In the words of TensorFlow's logging library. */
const logLevels = {notes: 0, errors: 2, none: 3} as const;

/** What the library of our ops exports. */
interface Ops {
  /** That one of our ops may use. */
  setThreads(count: number): void;
  canComputeInBf16(): boolean;
}

/** Set: TensorFlow's ops alone on the CPU too, as on a GPU, whose path is tested so. */
const RAW_OPS = 'EMU_TENSORFLOW_RAW';

let loaded: TensorflowInfo | undefined;

/** What is loaded in this thread. */
export const tensorflowInUse = () => loaded;

/**
 * Loads what `emu backend install tensorflow` has built for this emu, once; `threads` (default: the cores)
 * count the first time. Throws EmuError (usage) when nothing is installed, EmuError when it cannot be loaded.
 */
export function loadInstalledTensorflow(threads?: number): TensorflowInfo {
  if (loaded) return loaded;
  const found = findTensorflow();
  const stock = 'problem' in found ? findStockPackage() : undefined;
  if (stock) return loadStock(stock);
  if ('problem' in found) {
    throw new EmuError(`backend 'tensorflow': ${found.problem}, or use --backend native`, {
      code: 'bad_backend',
      reason: 'usage',
    });
  }
  const info = loadTensorflow(found.build, threads);
  const {variant, reason = 'there was one when it was installed, see `emu doctor`'} =
    found.installed;
  if (variant === 'cpu' || info.device === 'gpu') return info;
  loaded = {...info, reason: `no GPU was found: ${reason}; it computes on the CPU`};
  return loaded;
}

/** A person's own installation of tfjs-node-gpu. */
function loadStock(files: TensorflowFiles): TensorflowInfo {
  try {
    const info = loadTensorflow(files);
    const what = `TensorFlow ${info.version} of ${files.packageFolder}`;
    loaded = {...info, reason: `${what}, as it is: without emu's ops and --threads`};
    return loaded;
  } catch (error) {
    const {cause, message} = error as Error;
    const why = (cause instanceof Error ? cause.message : message).split('\n', 1)[0]!;
    const wayOut = 'run `emu backend install tensorflow`, or use --backend native';
    throw loadError(`${files.packageFolder} does not load (${why})`, error, wayOut);
  }
}

/**
 * Loads TensorFlow into this process and registers the backend with our ops, without choosing it.
 * Throws EmuError when it cannot be loaded.
 */
export function loadTensorflow(
  {packageFolder, binding: addon, ops, preload, libraries, logLevel}: TensorflowFiles,
  threads: number = os.availableParallelism(),
): TensorflowInfo {
  restoreNodeUtilities();
  const require = createRequire(import.meta.url);
  const requireInPackage = createRequire(path.join(packageFolder, 'package.json'));
  // With two copies of tfjs a tensor of one would be unknown to the other.
  for (const name of ['@tensorflow/tfjs', '@tensorflow/tfjs-core']) {
    const ours = require.resolve(name);
    const theirs = requireInPackage.resolve(name);
    if (theirs !== ours) {
      throw loadError(`expected tfjs-node-gpu to use ${ours}, it uses ${theirs}`);
    }
  }
  const previous = tf.getBackend();
  const gpu = chooseGpu(visibleGpus(process.env), localRank(process.env));
  let canComputeInBf16 = false;
  try {
    const {setEnvironment, load} = preload ? (require(preload) as Preload) : noPreload;
    // It would take some memory of every GPU that it sees. Numbers are to mean what nvidia-smi means by them.
    setEnvironment('CUDA_DEVICE_ORDER', process.env.CUDA_DEVICE_ORDER ?? 'PCI_BUS_ID');
    if (gpu) setEnvironment('CUDA_VISIBLE_DEVICES', gpu.gpu);
    setEnvironment('TF_NUM_INTRAOP_THREADS', String(threads));
    setEnvironment('TF_FORCE_GPU_ALLOW_GROWTH', process.env.TF_FORCE_GPU_ALLOW_GROWTH ?? 'true');
    for (const library of libraries) load(library, logLevels[logLevel]);
    if (ops) {
      const own = require(ops) as Ops;
      own.setThreads(threads);
      canComputeInBf16 = own.canComputeInBf16();
    }
    require(packageFolder); // registers its backend and kernels, and makes it the current one
    // They stay when a worker thread ends that has loaded them: TensorFlow has them called as the process exits.
    for (const file of [ops, addon]) if (file) load(file, logLevels[logLevel]);
  } catch (error) {
    throw loadError((error as Error).message.split('\n', 1)[0]!, error);
  } finally {
    if (previous) void tf.setBackend(previous);
  }
  const backend = tf.findBackend(TENSORFLOW) as TensorflowBackend;
  const {binding} = backend;
  const device = binding.isUsingGpuDevice() ? 'gpu' : 'cpu';
  explainOutOfMemory(backend, device, () => {
    const memory = gpuMemory(gpu?.gpu);
    return 'free' in memory ? memory.free : undefined;
  });
  registerStockFixes();
  decodeForStockOps(backend);
  const hasOwnOps = ops !== undefined && device === 'cpu' && !process.env[RAW_OPS];
  for (const kernel of tensorflowKernels(hasOwnOps)) replaceKernel(kernel);
  const hasBf16 = device === 'gpu' || canComputeInBf16;
  const used = device === 'gpu' && gpu ? {gpu} : {};
  loaded = {version: binding.TF_Version, device, threads, hasBf16, ...used};
  return loaded;
}

/** tfjs-node-gpu calls two functions of node:util that Node 23 removed, and Node 22 warns of. */
function restoreNodeUtilities(): void {
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  });
}

function loadError(problem: string, cause?: unknown, wayOut = 'use --backend native'): EmuError {
  return new EmuError(`backend 'tensorflow': ${problem}; ${wayOut}`, {
    code: 'bad_backend',
    cause,
  });
}
