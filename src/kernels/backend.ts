import os from 'node:os';
import * as tf from '@tensorflow/tfjs';
import {EmuError} from '../errors.js';
import {addonProblem, loadAddon} from './native/addon.js';
import {nativeKernels} from './native/kernels.js';
import {NATIVE, registerNativeBackend} from './native/nativeBackend.js';
import {TENSORFLOW} from './tensorflow/tensorflowBackend.js';

export type BackendName = 'native' | 'reference' | 'tensorflow';

export interface BackendInfo {
  readonly name: BackendName;
  readonly threads: number;
  /** The variant of the kernels, or 'javascript'. */
  readonly isa: string;
  /** Why it is not `native`, when that was asked for or would have been chosen. */
  readonly reason?: string;
}

export interface BackendOptions {
  readonly backend?: BackendName | 'auto' | undefined;
  /** 0 or undefined: the cores that this process may use. */
  readonly threads?: number | undefined;
  readonly isa?: string | undefined;
}

/**
 * Chooses the backend for all tensors from now on. What `options` leave out comes from EMU_BACKEND,
 * EMU_THREADS and EMU_ISA, else `auto`: native, or reference with the reason. Throws EmuError
 * (usage) for a value that cannot be.
 */
export function selectBackend(options: BackendOptions = {}): BackendInfo {
  const wanted = options.backend ?? (process.env.EMU_BACKEND || 'auto');
  switch (wanted) {
    case 'auto':
    case 'native': {
      const info = selectNative(options);
      return info ?? selectReference(addonProblem());
    }
    case 'reference':
      return selectReference();
    case 'tensorflow':
      return selectTensorflow();
    default:
      throw usageError(
        `expected auto, native, reference or tensorflow as backend, got '${wanted}'`,
      );
  }
}

/** The backends that this machine can run, best first. */
export function availableBackends(): BackendName[] {
  const names: BackendName[] = loadAddon() ? ['native', 'reference'] : ['reference'];
  return tf.findBackendFactory(TENSORFLOW) ? [...names, 'tensorflow'] : names;
}

function selectNative(options: BackendOptions): BackendInfo | undefined {
  const threads = options.threads ?? threadsFromEnvironment();
  const isa = options.isa ?? (process.env.EMU_ISA || undefined);
  const addon = loadAddon();
  if (!addon || !registerNativeBackend(nativeKernels)) return undefined;
  const isas = addon.isas();
  if (isa !== undefined && !(isas as string[]).includes(isa)) {
    throw usageError(`this processor has ${isas.join(', ')}, not the instruction set '${isa}'`);
  }
  addon.setIsa(isa ?? isas.at(-1)!);
  addon.setThreads(threads ?? 0);
  activate(NATIVE);
  return {name: 'native', threads: addon.threads(), isa: addon.isa()};
}

function selectReference(reason?: string): BackendInfo {
  // tfjs greets the first user of its CPU backend on the console; this is not the place.
  (tf.findBackend('cpu') as unknown as {firstUse: boolean}).firstUse = false;
  activate('cpu');
  return {name: 'reference', threads: 1, isa: 'javascript', ...(reason ? {reason} : {})};
}

/** The one that loadTensorflow() has registered in this process. */
function selectTensorflow(): BackendInfo {
  if (!tf.findBackendFactory(TENSORFLOW)) {
    throw usageError("backend 'tensorflow' is not installed; use --backend native");
  }
  activate(TENSORFLOW);
  return {name: 'tensorflow', threads: os.availableParallelism(), isa: 'tensorflow'};
}

/** tf.setBackend without waiting: all backends start synchronously. */
function activate(name: string): void {
  void tf.setBackend(name);
  if (tf.getBackend() !== name) throw new Error(`backend ${name} did not start`);
}

function threadsFromEnvironment(): number | undefined {
  const text = process.env.EMU_THREADS;
  if (!text) return undefined;
  const threads = Number(text);
  if (!Number.isInteger(threads) || threads < 0 || threads > 1024) {
    throw usageError(`expected EMU_THREADS to be a number from 1 to 1024, got '${text}'`);
  }
  return threads;
}

function usageError(message: string): EmuError {
  return new EmuError(message, {code: 'bad_backend', reason: 'usage'});
}
