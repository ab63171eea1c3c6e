import os from 'node:os';
import tf from '#tfjs';
import {EmuError} from '../errors.js';
import {registerFasterKernels} from './javascript/register.js';
import {addonProblem, loadAddon} from './native/addon.js';
import {nativeKernels} from './native/kernels.js';
import {activeNativeBackend, NATIVE, registerNativeBackend} from './native/nativeBackend.js';
import {computesInBf16, setBf16Products} from './tensorflow/computeType.js';
import {localRank, sharingNote} from './tensorflow/gpu.js';
import {findTensorflow} from './tensorflow/layout.js';
import {loadInstalledTensorflow, tensorflowInUse} from './tensorflow/loadTensorflow.js';
import {findStockPackage} from './tensorflow/stockPackage.js';
import {TENSORFLOW} from './tensorflow/tensorflowBackend.js';

export type BackendName = 'native' | 'reference' | 'tensorflow';

/** bf16: products of matrices of numbers rounded to bfloat16, summed in float32; all else in float32. */
export type Compute = 'f32' | 'bf16';

export interface ComputeInfo {
  readonly compute: Compute;
  /** Why it is f32 when bf16 was asked for. */
  readonly computeReason?: string;
}

export interface BackendInfo extends ComputeInfo {
  readonly name: BackendName;
  readonly threads: number;
  /** The variant of the kernels, or 'javascript'. */
  readonly isa: string;
  /** Why it is not `native`, when that was asked for or would have been chosen; why it has no GPU. */
  readonly reason?: string;
  /** What else a person should know. */
  readonly note?: string;
}

export interface BackendOptions {
  readonly backend?: BackendName | 'auto' | undefined;
  /** 0 or undefined: the cores that this process may use. */
  readonly threads?: number | undefined;
  readonly isa?: string | undefined;
  /** Default: f32. */
  readonly compute?: Compute | undefined;
}

/** What the backend in use was chosen by. */
let selected: BackendOptions = {};

/**
 * Chooses the backend for all tensors from now on. What `options` leave out comes from EMU_BACKEND,
 * EMU_THREADS and EMU_ISA, else `auto`: tensorflow where it has a GPU, else native, or reference with the
 * reason. Throws EmuError (usage) for a value that cannot be.
 */
export function selectBackend(options: BackendOptions = {}): BackendInfo {
  selected = options;
  const backend = select(options);
  return {...backend, ...selectCompute(options.compute)};
}

/** In what matrix products are computed from now on, on the backend in use. */
export function selectCompute(wanted: Compute = 'f32'): ComputeInfo {
  const addon = activeNativeBackend()?.addon;
  addon?.setBf16(wanted === 'bf16');
  const isOnTensorflow = tf.getBackend() === TENSORFLOW;
  setBf16Products(wanted === 'bf16' && isOnTensorflow && tensorflowInUse()!.hasBf16);
  if (computeInUse() === wanted) return {compute: wanted};
  const needed = 'bf16 needs a processor with AVX-512 BF16';
  const computeReason = addon
    ? `${needed}, and kernels for it: these are ${addon.isa()}`
    : isOnTensorflow
      ? `${needed}, or a GPU`
      : 'bf16 needs the backend native or tensorflow';
  return {compute: 'f32', computeReason};
}

/** In what they are computed now. */
export function computeInUse(): Compute {
  const addon = activeNativeBackend()?.addon;
  return computesInBf16() || addon?.computesInBf16() ? 'bf16' : 'f32';
}

type Selected = Omit<BackendInfo, keyof ComputeInfo>;

function select(options: BackendOptions): Selected {
  const wanted = options.backend ?? (process.env.EMU_BACKEND || 'auto');
  switch (wanted) {
    case 'auto':
      return hasTensorflowOnGpu() ? selectTensorflow(options) : selectNativeIfPossible(options);
    case 'native':
      return selectNativeIfPossible(options);
    case 'reference':
      return selectReference();
    case 'tensorflow':
      return selectTensorflow(options);
    default:
      throw usageError(
        `expected auto, native, reference or tensorflow as backend, got '${wanted}'`,
      );
  }
}

/** The one that tensors are made on now. */
export function backendInUse(): BackendName {
  const name = tf.getBackend();
  return name === NATIVE || name === TENSORFLOW ? name : 'reference';
}

/** Starts `native` beside the backend in use, for `at('host', ...)` (place.ts); why it cannot, if so. */
export function startHost(): string | undefined {
  const backend = tf.getBackend();
  if (!selectNative(selected)) return addonProblem() ?? 'unknown';
  activeNativeBackend()!.addon.setBf16(selected.compute === 'bf16');
  activate(backend);
  return undefined;
}

/** Cores that this process may use: those it is bound to, within a container's limit. */
export function usableCores(): number {
  const addon = loadAddon();
  if (!addon) return os.availableParallelism();
  addon.setThreads(0);
  return addon.threads();
}

/** The backends that this machine can run, best first. */
export function availableBackends(): BackendName[] {
  const names: BackendName[] = loadAddon() ? ['native', 'reference'] : ['reference'];
  const hasTensorflow = 'build' in findTensorflow() || findStockPackage() !== undefined;
  return hasTensorflow ? [...names, 'tensorflow'] : names;
}

function selectNativeIfPossible(options: BackendOptions): Selected {
  return selectNative(options) ?? selectReference(addonProblem());
}

function selectNative(options: BackendOptions): Selected | undefined {
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

function selectReference(reason?: string): Selected {
  // tfjs greets the first user of its CPU backend on the console; this is not the place.
  (tf.findBackend('cpu') as unknown as {firstUse: boolean}).firstUse = false;
  registerFasterKernels();
  activate('cpu');
  return {name: 'reference', threads: 1, isa: 'javascript', ...(reason ? {reason} : {})};
}

/** Whether TensorFlow is installed and found a GPU when it was. */
function hasTensorflowOnGpu(): boolean {
  const found = findTensorflow();
  return 'build' in found && found.installed.device === 'gpu';
}

function selectTensorflow(options: BackendOptions): Selected {
  const wanted = (options.threads ?? threadsFromEnvironment()) || undefined;
  const {threads, device, reason, gpu} = loadInstalledTensorflow(wanted);
  activate(TENSORFLOW);
  const note = device === 'gpu' ? sharingNote(gpu, localRank(process.env)) : undefined;
  return {
    name: 'tensorflow',
    threads,
    isa: device,
    ...(reason ? {reason} : {}),
    ...(note ? {note} : {}),
  };
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
