import type {TensorInfo} from '@tensorflow/tfjs';
import tf from '#tfjs';
import {type NativeBackend, nativeKernel} from '../native/nativeBackend.js';

interface MatMulInputs {
  a: TensorInfo;
  b: TensorInfo;
}

interface MatMulAttrs {
  transposeA: boolean;
  transposeB: boolean;
}

/** One product or a batch of them: sizes as in tf.matMul, offsets and strides in elements. */
interface Products {
  m: number;
  n: number;
  k: number;
  batch: number;
  offsetA: number;
  strideA: number;
  offsetB: number;
  strideB: number;
  offsetC: number;
}

/** tf.matMul: a [..., m, k], b [..., k, n] (each transposed on demand, b a weight of any encoding) -> [..., m, n] */
export const matMulKernel = nativeKernel<MatMulInputs, MatMulAttrs>(
  'BatchMatMul',
  ({inputs: {a, b}, attrs: {transposeA, transposeB}, backend}) => {
    const outerA = a.shape.slice(0, -2);
    const outerB = b.shape.slice(0, -2);
    const outer = tf.backend_util.assertAndGetBroadcastShape(outerA, outerB);
    const [m, k] = lastTwo(a.shape, transposeA);
    const [kOfB, n] = lastTwo(b.shape, transposeB);
    if (k !== kOfB) {
      throw new Error(
        `matMul: expected equal inner sizes, got [${a.shape}]${transposeA ? 'ᵀ' : ''} and [${b.shape}]${transposeB ? 'ᵀ' : ''}`,
      );
    }
    const out = backend.allocate([...outer, m, n]);
    const [countA, countB, batch] = [count(outerA), count(outerB), count(outer)];
    const multiply = (products: Products) =>
      multiplyAll(backend, a, transposeA, b, transposeB, out, products);
    const one = {m, n, k, offsetA: 0, offsetB: 0, offsetC: 0};
    if (countB === 1 && countA === batch && !transposeA) {
      // One b for all: the rows of all items are one matrix.
      multiply({...one, m: batch * m, batch: 1, strideA: 0, strideB: 0});
    } else if ((countA === batch || countA === 1) && (countB === batch || countB === 1)) {
      const strideA = countA === 1 ? 0 : m * k;
      const strideB = countB === 1 ? 0 : k * n;
      multiply({...one, batch, strideA, strideB});
    } else {
      for (let item = 0; item < batch; item++) {
        multiply({
          ...one,
          batch: 1,
          offsetA: broadcastIndex(item, outer, outerA) * m * k,
          strideA: 0,
          offsetB: broadcastIndex(item, outer, outerB) * k * n,
          strideB: 0,
          offsetC: item * m * n,
        });
      }
    }
    return out;
  },
);

function multiplyAll(
  backend: NativeBackend,
  a: TensorInfo,
  transposeA: boolean,
  b: TensorInfo,
  transposeB: boolean,
  out: TensorInfo,
  {m, n, k, batch, offsetA, strideA, offsetB, strideB, offsetC}: Products,
): void {
  const {bytes, encoding} = backend.weight(b, {first: offsetB});
  backend.addon.gemm(
    backend.floats(a).subarray(offsetA),
    transposeA,
    bytes,
    encoding,
    transposeB,
    null,
    backend.floats(out).subarray(offsetC),
    m,
    n,
    k,
    batch,
    strideA,
    strideB,
    false,
  );
}

function lastTwo(shape: readonly number[], isTransposed: boolean): [number, number] {
  const [rows, cols] = shape.slice(-2) as [number, number];
  return isTransposed ? [cols, rows] : [rows, cols];
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Where item `index` of the batch `outer` lies in a tensor whose batch `inner` is broadcast to it. */
function broadcastIndex(index: number, outer: readonly number[], inner: readonly number[]): number {
  let rest = index;
  let result = 0;
  let stride = 1;
  for (let axis = 1; axis <= outer.length; axis++) {
    const size = outer.at(-axis)!;
    const position = rest % size;
    rest = Math.floor(rest / size);
    const innerSize = axis <= inner.length ? inner.at(-axis)! : 1;
    if (innerSize > 1) result += position * stride;
    stride *= innerSize;
  }
  return result;
}
