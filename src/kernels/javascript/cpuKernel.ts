// Kernels of tfjs's own cpu backend done again in faster JavaScript: the same results, for float32. It is what
// computes where the native backend cannot, and what tests compare that with.
import tf from '#tfjs';
import type {MathBackendCPU} from '@tensorflow/tfjs-backend-cpu';
import {sizeOf} from '../strides.js';

export interface CpuCall<Inputs, Attrs = unknown> {
  readonly inputs: Inputs;
  readonly attrs: Attrs;
  readonly backend: MathBackendCPU;
}

/**
 * The kernel in the place of tfjs's, which goes on serving all other types of numbers, and what `compute`
 * leaves to it.
 */
export function cpuKernel<Inputs, Attrs = unknown, Result = tf.TensorInfo>(
  kernelName: string,
  compute: (call: CpuCall<Inputs, Attrs>, stock: () => Result) => Result,
): tf.KernelConfig {
  const stock = tf.getKernel(kernelName, 'cpu');
  return {
    ...stock,
    kernelFunc: (call) => {
      const inputs = Object.values(call.inputs) as tf.TensorInfo[];
      if (inputs.some(({dtype}) => dtype !== 'float32')) return stock.kernelFunc(call);
      return compute(call as never, () => stock.kernelFunc(call) as Result) as tf.TensorInfo;
    },
  };
}

/** The numbers of a float32 tensor. */
export function floats(backend: MathBackendCPU, info: tf.TensorInfo): Float32Array {
  return backend.data.get(info.dataId).values as Float32Array;
}

/** A new float32 tensor and its numbers, which are to be written. */
export function makeFloats(
  backend: MathBackendCPU,
  shape: readonly number[],
): {info: tf.TensorInfo; values: Float32Array} {
  const values = new Float32Array(sizeOf(shape));
  return {info: backend.makeTensorInfo([...shape], 'float32', values), values};
}
