import tf from '#tfjs';
import {BatchNorm, type BatchNormAttrs, BatchNormInference, BatchNormMoments} from './batchNorm.js';

export const BatchNormGrad = 'EmuBatchNormGrad';

export interface BatchNormGradAttrs extends BatchNormAttrs {
  /** Whether mean and variance are those of x, so that the gradient flows through them too. */
  isTraining: boolean;
}

type Inputs = Record<'x' | 'mean' | 'variance' | 'weight' | 'bias' | 'dy', tf.Tensor>;

function runGrad(inputs: Inputs, attrs: BatchNormAttrs, isTraining: boolean): tf.Tensor[] {
  const gradAttrs: BatchNormGradAttrs = {...attrs, isTraining};
  return tf.engine().runKernel(BatchNormGrad, {...inputs}, gradAttrs) as tf.Tensor[];
}

// The derivation stands at batchNormGrad in batchNorm.simd.cc.
tf.registerGradient({
  kernelName: BatchNorm,
  inputsToSave: ['x', 'weight', 'bias'],
  outputsToSave: [false, true, true],
  gradFunc: (dys, saved, attrs) => {
    const [x, weight, bias, mean, variance] = saved as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const inputs = {x, weight, bias, mean, variance, dy: (dys as tf.Tensor[])[0]!};
    const [dx, dWeight, dBias] = runGrad(inputs, attrs as BatchNormAttrs, true);
    return {x: () => dx!, weight: () => dWeight!, bias: () => dBias!};
  },
});

tf.registerGradient({
  kernelName: BatchNormInference,
  inputsToSave: ['x', 'mean', 'variance', 'weight', 'bias'],
  gradFunc: (dy, saved, attrs) => {
    const [x, mean, variance, weight, bias] = saved as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const {eps} = attrs as BatchNormAttrs;
    const inputs = {x, mean, variance, weight, bias, dy: dy as tf.Tensor};
    const [dx, dWeight, dBias] = runGrad(inputs, attrs as BatchNormAttrs, false);
    // y = (x - mean) r weight + bias, r = (variance + eps)^-1/2
    const inverse = () => tf.rsqrt(tf.add(variance, eps));
    return {
      x: () => dx!,
      mean: () => tf.neg(tf.mul(dBias!, tf.mul(weight, inverse()))),
      variance: () => {
        const r = inverse();
        return tf.mul(tf.mul(dWeight!, weight), tf.mul(tf.square(r), -0.5));
      },
      weight: () => dWeight!,
      bias: () => dBias!,
    };
  },
});

/** Statistics for running averages: constants for the gradient. */
tf.registerGradient({
  kernelName: BatchNormMoments,
  inputsToSave: ['x'],
  gradFunc: (_dys, saved) => ({x: () => tf.zerosLike(saved[0]!)}),
});
