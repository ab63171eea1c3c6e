import tf from '#tfjs';
import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {cpuKernel, floats, makeFloats} from './cpuKernel.js';
import {multiply, transposed} from './matMul.js';

interface Conv2DAttrs {
  strides: number | [number, number];
  pad: 'valid' | 'same' | number;
  dataFormat: 'NHWC' | 'NCHW';
  dilations: number | [number, number];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** Patches gathered at once: 4 MB of them at most, whatever the picture. */
const MAX_GATHERED = 2 ** 20;

/** A matrix product of the patches of x [B, H, W, Cin] with the filter [kh, kw, Cin, Cout]. */
const forwardKernel = () =>
  cpuKernel<{x: TensorInfo; filter: TensorInfo}, Conv2DAttrs>('Conv2D', (call, stock) => {
    const {inputs, attrs, backend} = call;
    if (attrs.dataFormat !== 'NHWC') return stock();
    const info = convolutionOf(inputs.x.shape, inputs.filter.shape, attrs);
    const {outChannels, outWidth} = info;
    const out = makeFloats(backend, info.outShape);
    const filter = floats(backend, inputs.filter);
    const numTerms = filter.length / outChannels;
    const taps = transposed(filter, 0, numTerms, outChannels);
    const picture = floats(backend, inputs.x);
    forEachStripe(info, (stripe) => {
      const patches = new Float32Array(stripe.numRows * outWidth * numTerms);
      forEachRun(info, stripe, (from, to) => {
        for (let c = 0; c < info.inChannels; c++) patches[to + c] = picture[from + c]!;
      });
      const {offset, numRows} = stripe;
      const product = out.values.subarray(offset, offset + numRows * outWidth * outChannels);
      multiply(patches, taps, product, numRows * outWidth, outChannels, numTerms);
    });
    return out.info;
  });

/** What each number of x gave to dy [B, Ho, Wo, Cout]: the same products backwards, added up in float64. */
const backwardKernel = () =>
  cpuKernel<{dy: TensorInfo; filter: TensorInfo}, Conv2DAttrs & {inputShape: number[]}>(
    'Conv2DBackpropInput',
    ({inputs, attrs, backend}, stock) => {
      if (attrs.dataFormat !== 'NHWC') return stock();
      const info = convolutionOf(attrs.inputShape, inputs.filter.shape, {...attrs, dilations: 1});
      const {outChannels, outWidth} = info;
      const filter = floats(backend, inputs.filter);
      const numTerms = filter.length / outChannels;
      const dy = floats(backend, inputs.dy);
      const out = makeFloats(backend, info.inShape);
      const sums = new Float64Array(out.values.length);
      forEachStripe(info, (stripe) => {
        const {offset, numRows} = stripe;
        const patches = new Float32Array(numRows * outWidth * numTerms);
        const given = dy.subarray(offset, offset + numRows * outWidth * outChannels);
        multiply(given, filter, patches, numRows * outWidth, numTerms, outChannels);
        forEachRun(info, stripe, (at, from) => {
          for (let c = 0; c < info.inChannels; c++)
            sums[at + c] = sums[at + c]! + patches[from + c]!;
        });
      });
      out.values.set(sums);
      return out.info;
    },
  );

export const conv2dKernels = (): KernelConfig[] => [forwardKernel(), backwardKernel()];

type Shape4D = [number, number, number, number];

function convolutionOf(x: readonly number[], filter: readonly number[], attrs: Conv2DAttrs) {
  return tf.backend_util.computeConv2DInfo(
    x as Shape4D,
    filter as Shape4D,
    attrs.strides,
    attrs.dilations,
    attrs.pad,
    attrs.dimRoundingMode,
  );
}

/** Some rows of one picture's results, which begin at `offset`. */
interface Stripe {
  readonly picture: number;
  readonly top: number;
  readonly numRows: number;
  readonly offset: number;
}

function forEachStripe(info: tf.backend_util.Conv2DInfo, visit: (stripe: Stripe) => void): void {
  const {batchSize, outHeight, outWidth, outChannels, filterHeight, filterWidth} = info;
  const rowLength = outWidth * filterHeight * filterWidth * info.inChannels;
  const most = Math.max(1, Math.floor(MAX_GATHERED / rowLength));
  for (let picture = 0; picture < batchSize; picture++)
    for (let top = 0; top < outHeight; top += most) {
      const numRows = Math.min(most, outHeight - top);
      const offset = (picture * outHeight + top) * outWidth * outChannels;
      visit({picture, top, numRows, offset});
    }
}

/** The runs of Cin numbers that a stripe's patches [rows · outWidth, kh · kw · Cin] take from inside x. */
function forEachRun(
  info: tf.backend_util.Conv2DInfo,
  {picture, top, numRows}: Stripe,
  visit: (inPicture: number, inPatches: number) => void,
): void {
  const {inHeight, inWidth, inChannels, outWidth, filterHeight, filterWidth, padInfo} = info;
  let at = 0;
  for (let row = top; row < top + numRows; row++)
    for (let column = 0; column < outWidth; column++)
      for (let i = 0; i < filterHeight; i++) {
        const y = row * info.strideHeight - padInfo.top + i * info.dilationHeight;
        for (let j = 0; j < filterWidth; j++, at += inChannels) {
          const x = column * info.strideWidth - padInfo.left + j * info.dilationWidth;
          if (y < 0 || y >= inHeight || x < 0 || x >= inWidth) continue;
          visit(((picture * inHeight + y) * inWidth + x) * inChannels, at);
        }
      }
}
