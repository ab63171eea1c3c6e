// Pictures are channels-last [B, H, W, C]; weights are [Cout, Cin, kh, kw], as PyTorch stores them.
import tf from '#tfjs';
import {checkShape, ShapeError} from '../checkShape.js';
import {conv2dReference} from './conv2d.reference.js';

export const Conv2D = 'EmuConv2D';

export interface Conv2DOptions {
  /** Rows and columns from one output to the next. */
  readonly stride?: number;
  /** Zeros added above and to the left. */
  readonly padding?: number;
  /** Zeros added below and to the right; default: as many. */
  readonly paddingEnd?: number;
}

export interface Conv2DAttrs extends tf.NamedAttrMap {
  stride: number;
  padding: number;
  paddingEnd: number;
}

/** Rows (or columns) of the output for `size` rows of the input. */
export function conv2dSize(
  size: number,
  kernel: number,
  {stride, padding, paddingEnd}: Conv2DAttrs,
): number {
  return Math.floor((size + padding + paddingEnd - kernel) / stride) + 1;
}

/**
 * Convolution (torch's conv2d, channels last):
 * x [B, H, W, Cin], weight [Cout, Cin, kh, kw] of any encoding, bias [Cout] -> [B, Ho, Wo, Cout]
 */
export function conv2d(
  x: tf.Tensor4D,
  weight: tf.Tensor,
  bias?: tf.Tensor,
  {stride = 1, padding = 0, paddingEnd = padding}: Conv2DOptions = {},
): tf.Tensor4D {
  checkShape('conv2d', 'x', x.shape, ['B', 'H', 'W', 'Cin']);
  checkShape('conv2d', 'weight', weight.shape, ['Cout', x.shape[3], 'kh', 'kw']);
  if (bias) checkShape('conv2d', 'bias', bias.shape, [weight.shape[0]!]);
  const attrs: Conv2DAttrs = {stride, padding, paddingEnd};
  checkSizes(x, weight, attrs);
  if (!tf.getKernel(Conv2D, tf.getBackend())) return conv2dReference(x, weight, bias, attrs);
  const inputs: tf.NamedTensorMap = bias ? {x, weight, bias} : {x, weight};
  return tf.engine().runKernel(Conv2D, inputs, attrs) as tf.Tensor4D;
}

function checkSizes(x: tf.Tensor4D, weight: tf.Tensor, attrs: Conv2DAttrs): void {
  const {stride, padding, paddingEnd} = attrs;
  const isWhole = (value: number, least: number) => Number.isInteger(value) && value >= least;
  if (!isWhole(stride, 1) || !isWhole(padding, 0) || !isWhole(paddingEnd, 0)) {
    const actual = `stride ${stride}, padding ${padding} and ${paddingEnd}`;
    throw new ShapeError('conv2d', 'options', 'whole stride >= 1 and padding >= 0', actual);
  }
  const [, height, width] = x.shape;
  const [, , kernelHeight, kernelWidth] = weight.shape as [number, number, number, number];
  if (
    conv2dSize(height, kernelHeight, attrs) < 1 ||
    conv2dSize(width, kernelWidth, attrs) < 1 ||
    x.size === 0 ||
    weight.size === 0
  ) {
    const expected = `a picture of at least ${kernelHeight} x ${kernelWidth} with its padding`;
    throw new ShapeError(
      'conv2d',
      'x',
      expected,
      `[${x.shape}], padding ${padding} and ${paddingEnd}`,
    );
  }
}
