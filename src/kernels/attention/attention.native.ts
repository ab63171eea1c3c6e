import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {type NativeBackend, nativeKernel} from '../native/nativeBackend.js';
import {AttentionGrad} from './attention.grad.js';
import {Attention, type AttentionAttrs, type OptionalInput} from './attention.js';

/** What both directions pass to the addon first, and the optional inputs by name. */
function unpack(backend: NativeBackend, inputs: TensorInfo[], attrs: AttentionAttrs) {
  const [q, k, v, ...rest] = inputs as [TensorInfo, TensorInfo, TensorInfo, ...TensorInfo[]];
  const {scale, isCausal, numKeys, extras} = attrs;
  const optional: Partial<Record<OptionalInput, TensorInfo>> = Object.fromEntries(
    extras.map((name, i) => [name, rest[i]]),
  );
  const ints = (info: TensorInfo | undefined) => (info ? backend.ints(info) : null);
  const [batch, seqLen, numHeads, headDim] = q.shape as [number, number, number, number];
  const [rows, capacity] = k.shape as [number, number];
  const {bias} = optional;
  const shared = [
    backend.floats(q),
    backend.floats(k),
    backend.floats(v),
    bias ? backend.floats(bias) : null,
    ints(optional.keyStart),
    ints(optional.keyEnd),
    Int32Array.of(batch, seqLen, numHeads, headDim, rows, capacity, numKeys),
    bias?.shape[0] === 1,
    optional.keyStart?.shape.length === 2,
    isCausal,
    scale,
  ] as const;
  return {q, k, v, bias, cacheRows: ints(optional.cacheRows), shared};
}

export const attentionKernels: KernelConfig[] = [
  nativeKernel<TensorInfo[], AttentionAttrs>(Attention, ({inputs, attrs, backend}) => {
    const {q, cacheRows, shared} = unpack(backend, inputs, attrs);
    const [batch, seqLen, numHeads] = q.shape as [number, number, number];
    const out = backend.allocate(q.shape);
    const logSumExp = backend.allocate([batch, numHeads, seqLen]);
    backend.addon.attention(...shared, cacheRows, backend.floats(out), backend.floats(logSumExp));
    return [out, logSumExp];
  }),
  nativeKernel<TensorInfo[], AttentionAttrs>(AttentionGrad, ({inputs, attrs, backend}) => {
    const [out, logSumExp, dy, ...forward] = inputs as [TensorInfo, TensorInfo, TensorInfo];
    const {q, k, v, bias, shared} = unpack(backend, forward, attrs);
    const dq = backend.allocate(q.shape);
    const dk = backend.allocate(k.shape);
    const dv = backend.allocate(v.shape);
    const dBias = bias && backend.allocate(bias.shape);
    backend.addon.attentionGrad(
      ...shared,
      backend.floats(out),
      backend.floats(logSumExp),
      backend.floats(dy),
      backend.floats(dq),
      backend.floats(dk),
      backend.floats(dv),
      dBias ? backend.floats(dBias) : null,
    );
    return dBias ? [dq, dk, dv, dBias] : [dq, dk, dv];
  }),
];
