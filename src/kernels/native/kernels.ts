// Every kernel of the native backend. A new op adds its KernelConfig here.
import type {KernelConfig} from '@tensorflow/tfjs';
import {unaryKernels} from './stock/unary.native.js';

export const nativeKernels: readonly KernelConfig[] = [...unaryKernels];
