// linear and matMul: TensorFlow's own products, or on the CPU one op of ours, which reads a weight in the
// encoding of its file in place; on a GPU that is decoded on the device.
import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {hasWholeBlocks} from '../encoding.js';
import {Linear} from '../linear/linear.js';
import {encodingCodes} from '../native/addon.js';
import {computesInBf16} from './computeType.js';
import {
  absentInputs,
  flagAttribute,
  sizeAttribute,
  tensorflowKernel,
  typeAttribute,
} from './customOp.js';
import {encodingOfData, inputAs} from './encodedWeights.js';
import {withRawOps} from './rawOps.js';
import type {TensorflowBackend} from './tensorflowBackend.js';

/** x times the weight, and the bias added to each row. */
interface ProductInputs {
  /** [..., K], or [..., K, M] when transposed */
  readonly x: TensorInfo;
  /** [..., K, N], or [..., N, K] when transposed */
  readonly weight: TensorInfo;
  readonly bias?: TensorInfo | undefined;
  readonly isXTransposed: boolean;
  readonly isTransposed: boolean;
}

/** By an op of ours, the native backend's kernels, in float32: x not transposed, a weight of two dimensions. */
function ownProduct(
  backend: TensorflowBackend,
  {x, weight, bias, isTransposed}: ProductInputs,
): TensorInfo {
  const encoding = encodingOfData(weight);
  const attributes = [
    typeAttribute(backend, 'T', encoding === 'f32' ? 'float32' : 'uint8'),
    sizeAttribute(backend, 'encoding', encodingCodes[encoding]),
    sizeAttribute(backend, 'columns', weight.shape[1]!),
    flagAttribute(backend, 'is_transposed', isTransposed),
  ];
  return withRawOps(backend, (ops) => {
    const numbers = (info: TensorInfo) => inputAs(ops, info, 'float32');
    const addend = numbers(bias ?? absentInputs(backend).floats);
    return ops.run('EmuProduct', attributes, [numbers(x), ops.input(weight), addend]);
  });
}

/** By TensorFlow's ops, which take x of any rank from 2 on as it is. */
function rawProduct(
  backend: TensorflowBackend,
  {x, weight, bias, isXTransposed, isTransposed}: ProductInputs,
): TensorInfo {
  const type = computesInBf16() ? 'bfloat16' : 'float32';
  return withRawOps(backend, (ops) => {
    const attributes = [
      ops.type('T', type),
      ops.flag('adj_x', isXTransposed),
      ops.flag('adj_y', isTransposed),
    ];
    const isVector = x.shape.length === 1;
    const numbers = inputAs(ops, x, type);
    const rows = isVector ? ops.reshape(numbers, [1, ...x.shape]) : numbers;
    const multiplied = ops.run('BatchMatMulV2', attributes, [rows, inputAs(ops, weight, type)]);
    const product = ops.cast(multiplied, 'float32');
    const sum = bias
      ? ops.run('AddV2', [ops.type('T', 'float32')], [product, inputAs(ops, bias, 'float32')])
      : product;
    return isVector ? ops.reshape(sum, sum.shape.slice(1)) : sum;
  });
}

/** With fewer rows a product is bound by reading the weight: rounding x gains nothing. */
const MANY_ROWS = 16;

/** `hasOwnOps`: whether our library is there and tensors are in this process's memory. */
function product(backend: TensorflowBackend, inputs: ProductInputs, hasOwnOps: boolean) {
  const {x, weight, isXTransposed} = inputs;
  const encoding = encodingOfData(weight);
  const isOfRows = weight.shape.length === 2 && hasWholeBlocks(encoding, weight.shape);
  if (!hasOwnOps || isXTransposed || !isOfRows) return rawProduct(backend, inputs);
  // Few rows: one op of ours costs less than TensorFlow's, and the bias is in it. Many: a stored weight is read in
  // place, but in bfloat16 TensorFlow's kernels use more of today's processors than ours (AMX).
  const rows = x.shape.slice(0, -1).reduce((count, size) => count * size, 1);
  const isOwn = rows < MANY_ROWS || (encoding !== 'f32' && !computesInBf16());
  return isOwn ? ownProduct(backend, inputs) : rawProduct(backend, inputs);
}

export const productKernels = (hasOwnOps: boolean): KernelConfig[] => [
  tensorflowKernel<{x: TensorInfo; weight: TensorInfo; bias?: TensorInfo}>(
    Linear,
    ({inputs, backend}) =>
      product(backend, {...inputs, isXTransposed: false, isTransposed: true}, hasOwnOps),
  ),
  tensorflowKernel<{a: TensorInfo; b: TensorInfo}, {transposeA: boolean; transposeB: boolean}>(
    'BatchMatMul',
    ({inputs: {a, b}, attrs: {transposeA, transposeB}, backend}) => {
      const inputs = {x: a, weight: b, isXTransposed: transposeA, isTransposed: transposeB};
      return product(backend, inputs, hasOwnOps);
    },
  ),
];
