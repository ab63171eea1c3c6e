import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {nativeKernel} from '../native/nativeBackend.js';
import {SiluGateGrad} from './siluGate.grad.js';
import {SiluGate} from './siluGate.js';

interface Inputs {
  gate: TensorInfo;
  up: TensorInfo;
}

export const siluGateKernels: KernelConfig[] = [
  nativeKernel<Inputs>(SiluGate, ({inputs: {gate, up}, backend}) => {
    const out = backend.allocate(gate.shape);
    const values = backend.floats(gate);
    backend.addon.siluGate(values, backend.floats(up), backend.floats(out), values.length);
    return out;
  }),
  nativeKernel<Inputs & {dy: TensorInfo}>(SiluGateGrad, ({inputs: {gate, up, dy}, backend}) => {
    const dGate = backend.allocate(gate.shape);
    const dUp = backend.allocate(gate.shape);
    const values = backend.floats(gate);
    backend.addon.siluGateGrad(
      values,
      backend.floats(up),
      backend.floats(dy),
      backend.floats(dGate),
      backend.floats(dUp),
      values.length,
    );
    return [dGate, dUp];
  }),
];
