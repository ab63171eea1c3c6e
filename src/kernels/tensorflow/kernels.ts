// Every kernel of ours on the backend `tensorflow`. An op without one runs its reference composition.
import type {KernelConfig} from '@tensorflow/tfjs';
import {rmsNormKernels} from './rmsNorm.js';

export const tensorflowKernels: readonly KernelConfig[] = [...rmsNormKernels];
