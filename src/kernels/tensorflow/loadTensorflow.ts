// The backend `tensorflow`: @tensorflow/tfjs-node-gpu over a libtensorflow of today, with our ops.
// Where its files come from: src/backends/tensorflow/install.ts.
import {createRequire} from 'node:module';
import os from 'node:os';
import path from 'node:path';
import util from 'node:util';
import tf from '#tfjs';
import {EmuError} from '../../errors.js';
import {decodeForStockOps} from './encodedWeights.js';
import {tensorflowKernels} from './kernels.js';
import {findTensorflow, type TensorflowFiles} from './layout.js';
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
}

/** What preload.cc exports. */
interface Preload {
  /** setenv(3), for libtensorflow: in a worker thread process.env is only a copy. */
  setEnvironment(name: string, value: string): void;
  load(file: string, logLevel: number): void;
}

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

/** Of TensorFlow, once it is loaded. */
export const loadedTensorflow = (): TensorflowInfo | undefined => loaded;

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
  {packageFolder, ops, preload, libraries, logLevel}: TensorflowFiles,
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
  let canComputeInBf16 = false;
  try {
    if (preload) {
      const {setEnvironment, load} = require(preload) as Preload;
      setEnvironment('TF_NUM_INTRAOP_THREADS', String(threads));
      setEnvironment('TF_FORCE_GPU_ALLOW_GROWTH', process.env.TF_FORCE_GPU_ALLOW_GROWTH ?? 'true');
      // What holds our threads must not go with the thread that loads it.
      for (const library of [...libraries, ...(ops ? [ops] : [])])
        load(library, logLevels[logLevel]);
    }
    if (ops) {
      const own = require(ops) as Ops;
      own.setThreads(threads);
      canComputeInBf16 = own.canComputeInBf16();
    }
    require(packageFolder); // registers its backend and kernels, and makes it the current one
  } catch (error) {
    throw loadError((error as Error).message.split('\n', 1)[0]!, error);
  } finally {
    if (previous) void tf.setBackend(previous);
  }
  const backend = tf.findBackend(TENSORFLOW) as TensorflowBackend;
  registerStockFixes();
  decodeForStockOps(backend);
  const {binding} = backend;
  const device = binding.isUsingGpuDevice() ? 'gpu' : 'cpu';
  const hasOwnOps = ops !== undefined && device === 'cpu' && !process.env[RAW_OPS];
  for (const kernel of tensorflowKernels(hasOwnOps)) {
    if (tf.getKernel(kernel.kernelName, TENSORFLOW))
      tf.unregisterKernel(kernel.kernelName, TENSORFLOW);
    tf.registerKernel(kernel);
  }
  const hasBf16 = device === 'gpu' || canComputeInBf16;
  loaded = {version: binding.TF_Version, device, threads, hasBf16};
  return loaded;
}

/** tfjs-node-gpu calls two functions of node:util that Node 23 removed. */
function restoreNodeUtilities(): void {
  const old = util as {isNullOrUndefined?: unknown; isArray?: unknown};
  old.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  old.isArray ??= Array.isArray;
}

function loadError(problem: string, cause?: unknown, wayOut = 'use --backend native'): EmuError {
  return new EmuError(`backend 'tensorflow': ${problem}; ${wayOut}`, {
    code: 'bad_backend',
    cause,
  });
}
