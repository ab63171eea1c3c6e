// The backend `tensorflow`: @tensorflow/tfjs-node-gpu over a libtensorflow of today, with our ops.
// Where its files come from: scripts/tensorflow/install.ts.
import {createRequire} from 'node:module';
import path from 'node:path';
import util from 'node:util';
import tf from '#tfjs';
import {EmuError} from '../../errors.js';
import {tensorflowKernels} from './kernels.js';
import {TENSORFLOW, type TensorflowBackend} from './tensorflowBackend.js';

export interface TensorflowFiles {
  /** The folder of the package @tensorflow/tfjs-node-gpu, its binding compiled. */
  readonly packageFolder: string;
  /** The library of our ops. */
  readonly ops: string;
}

export interface TensorflowInfo {
  /** Of libtensorflow. */
  readonly version: string;
  readonly device: 'cpu' | 'gpu';
}

/**
 * Loads TensorFlow into this process and registers the backend with our ops, without choosing it.
 * Throws EmuError when it cannot be loaded.
 */
export function loadTensorflow({packageFolder, ops}: TensorflowFiles): TensorflowInfo {
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
  try {
    require(packageFolder); // registers its backend and kernels, and makes it the current one
    require(ops);
  } catch (error) {
    throw loadError((error as Error).message.split('\n', 1)[0]!, error);
  } finally {
    if (previous) void tf.setBackend(previous);
  }
  for (const kernel of tensorflowKernels) tf.registerKernel(kernel);
  const {binding} = tf.findBackend(TENSORFLOW) as TensorflowBackend;
  return {version: binding.TF_Version, device: binding.isUsingGpuDevice() ? 'gpu' : 'cpu'};
}

/** tfjs-node-gpu calls two functions of node:util that Node 23 removed. */
function restoreNodeUtilities(): void {
  const old = util as {isNullOrUndefined?: unknown; isArray?: unknown};
  old.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  old.isArray ??= Array.isArray;
}

function loadError(problem: string, cause?: unknown): EmuError {
  return new EmuError(`tensorflow backend: ${problem}`, {code: 'bad_backend', cause});
}
