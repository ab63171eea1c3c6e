import type {TensorInfo} from '@tensorflow/tfjs';
import {type NativeBackend, nativeKernel} from '../native/nativeBackend.js';
import {BatchNormGrad, type BatchNormGradAttrs} from './batchNorm.grad.js';
import {BatchNorm, type BatchNormAttrs, BatchNormInference, BatchNormMoments} from './batchNorm.js';

interface Columns {
  x: TensorInfo;
  weight: TensorInfo;
  bias: TensorInfo;
}

interface Statistics {
  mean: TensorInfo;
  variance: TensorInfo;
}

/** x [rows, cols] */
function sizes(x: TensorInfo): [rows: number, cols: number] {
  const cols = x.shape.at(-1)!;
  return [x.shape.slice(0, -1).reduce((product, size) => product * size, 1), cols];
}

function moments(backend: NativeBackend, x: TensorInfo): Statistics {
  const [rows, cols] = sizes(x);
  const mean = backend.allocate([cols]);
  const variance = backend.allocate([cols]);
  const addon = backend.addon;
  addon.batchNormMoments(
    backend.floats(x),
    backend.floats(mean),
    backend.floats(variance),
    rows,
    cols,
  );
  return {mean, variance};
}

function normalize(
  backend: NativeBackend,
  {x, weight, bias, mean, variance}: Columns & Statistics,
  {eps, activation}: BatchNormAttrs,
): TensorInfo {
  const out = backend.allocate(x.shape);
  backend.addon.batchNorm(
    backend.floats(x),
    backend.floats(mean),
    backend.floats(variance),
    backend.floats(weight),
    backend.floats(bias),
    backend.floats(out),
    ...sizes(x),
    eps,
    activation === 'relu',
  );
  return out;
}

export const batchNormKernels = [
  /** Returns [y, mean, variance]: the gradient needs the statistics. */
  nativeKernel<Columns, BatchNormAttrs>(BatchNorm, ({inputs, attrs, backend}) => {
    const statistics = moments(backend, inputs.x);
    const y = normalize(backend, {...inputs, ...statistics}, attrs);
    return [y, statistics.mean, statistics.variance];
  }),

  nativeKernel<{x: TensorInfo}>(BatchNormMoments, ({inputs, backend}) => {
    const {mean, variance} = moments(backend, inputs.x);
    return [mean, variance];
  }),

  nativeKernel<Columns & Statistics, BatchNormAttrs>(
    BatchNormInference,
    ({inputs, attrs, backend}) => normalize(backend, inputs, attrs),
  ),

  /** Returns [dx, dWeight, dBias]. */
  nativeKernel<Columns & Statistics & {dy: TensorInfo}, BatchNormGradAttrs>(
    BatchNormGrad,
    ({inputs: {x, mean, variance, weight, bias, dy}, attrs, backend}) => {
      const outputs = [x, weight, bias].map(({shape}) => backend.allocate(shape));
      const [dx, dWeight, dBias] = outputs as [TensorInfo, TensorInfo, TensorInfo];
      backend.addon.batchNormGrad(
        backend.floats(x),
        backend.floats(mean),
        backend.floats(variance),
        backend.floats(weight),
        backend.floats(bias),
        backend.floats(dy),
        backend.floats(dx),
        backend.floats(dWeight),
        backend.floats(dBias),
        ...sizes(x),
        attrs.eps,
        attrs.activation === 'relu',
        attrs.isTraining,
      );
      return outputs;
    },
  ),
];
