import tf from '#tfjs';
import {binaryKernels} from './binary.js';
import {conv2dKernels} from './conv2d.js';
import {layoutKernels} from './layout.js';
import {matMulKernel} from './matMul.js';
import {reduceKernels} from './reduce.js';
import {softmaxKernel} from './softmax.js';

let isDone = false;

/** Puts the faster kernels in the place of those of tfjs's cpu backend, once. */
export function registerFasterKernels(): void {
  if (isDone) return;
  isDone = true;
  const kernels = [
    ...binaryKernels(),
    ...conv2dKernels(),
    ...layoutKernels(),
    matMulKernel(),
    ...reduceKernels(),
    softmaxKernel(),
  ];
  for (const kernel of kernels) {
    tf.unregisterKernel(kernel.kernelName, 'cpu');
    tf.registerKernel(kernel);
  }
}
