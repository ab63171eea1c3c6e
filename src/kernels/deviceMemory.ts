// How much of its device's memory a model may fill.
import tf from '#tfjs';
import {EmuError} from '../errors.js';
import {gpuMemory, type NvidiaSmi, nvidiaSmi} from './tensorflow/gpu.js';
import {type TensorflowInfo, tensorflowInUse} from './tensorflow/loadTensorflow.js';
import {TENSORFLOW} from './tensorflow/tensorflowBackend.js';

/** Left to CUDA, whose libraries take memory when they are first used, and to gaps between tensors. */
const RESERVE = 0.5e9;
const RESERVED_SHARE = 0.05;

/** Memory of a device of its own. */
export interface DeviceMemory {
  /** Bytes that weights, caches and activations may take; Infinity where nobody says how much there is. */
  readonly bytes: number;
  /** The device, as a person calls it. */
  readonly device: 'the GPU' | 'TensorFlow';
  /** Why it is not known. */
  readonly problem?: string;
}

/**
 * What the backend in use may fill on its device. Undefined for one that computes in the machine's own memory,
 * as TensorFlow does on the CPU unless EMU_GPU_MEMORY is set. Throws EmuError (usage) for an EMU_GPU_MEMORY that
 * is no number.
 */
export function deviceMemory(): DeviceMemory | undefined {
  const tensorflow = tf.getBackend() === TENSORFLOW ? tensorflowInUse() : undefined;
  return tensorflow && memoryOf(tensorflow, process.env.EMU_GPU_MEMORY);
}

/**
 * Of TensorFlow: `told`, as EMU_GPU_MEMORY says it (gigabytes), else what is free on the GPU but for a reserve,
 * in equal parts for the run's processes that use it.
 */
export function memoryOf(
  tensorflow: Pick<TensorflowInfo, 'device' | 'gpu'>,
  told: string | undefined,
  ask: NvidiaSmi = nvidiaSmi,
): DeviceMemory | undefined {
  const device = tensorflow.device === 'gpu' ? 'the GPU' : 'TensorFlow';
  const allowed = memoryFromEnvironment(told);
  if (allowed !== undefined) return {bytes: allowed, device};
  if (tensorflow.device === 'cpu') return undefined;
  const {gpu, sharers = 1} = tensorflow.gpu ?? {};
  const found = gpuMemory(gpu, ask);
  if ('problem' in found) return {bytes: Number.POSITIVE_INFINITY, device, problem: found.problem};
  return {bytes: usable(found.free) / sharers, device};
}

/** What of a GPU's free bytes a model may fill. */
export function usable(free: number): number {
  return Math.max(0, free - Math.max(RESERVE, RESERVED_SHARE * free));
}

/** EMU_GPU_MEMORY in bytes. */
export function memoryFromEnvironment(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const size = Number(text);
  if (!(size >= 0 && Number.isFinite(size)))
    throw new EmuError(`expected EMU_GPU_MEMORY to be a number of gigabytes, got '${text}'`, {
      code: 'bad_option',
      reason: 'usage',
    });
  return size * 1e9;
}
