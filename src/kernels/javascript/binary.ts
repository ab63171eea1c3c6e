import {backend_util, type KernelConfig, type TensorInfo} from '@tensorflow/tfjs';
import {broadcastStrides, simplify, type Walk} from '../strides.js';
import {cpuKernel, floats, makeFloats} from './cpuKernel.js';

const operations = ['Add', 'Sub', 'Multiply', 'RealDiv'] as const;
type Operation = (typeof operations)[number];

/**
 * A run of results out[o ...] from a[i], a[i + da], ... and b[j], b[j + db], .... One loop an operation: a
 * function that is handed in would be called for each number.
 */
function computeRun(
  operation: Operation,
  out: Float32Array,
  o: number,
  length: number,
  a: Float32Array,
  i: number,
  da: number,
  b: Float32Array,
  j: number,
  db: number,
): void {
  let [x, y] = [i, j];
  const end = o + length;
  switch (operation) {
    case 'Add':
      for (let at = o; at < end; at++, x += da, y += db) out[at] = a[x]! + b[y]!;
      break;
    case 'Sub':
      for (let at = o; at < end; at++, x += da, y += db) out[at] = a[x]! - b[y]!;
      break;
    case 'Multiply':
      for (let at = o; at < end; at++, x += da, y += db) out[at] = a[x]! * b[y]!;
      break;
    case 'RealDiv':
      for (let at = o; at < end; at++, x += da, y += db) out[at] = a[x]! / b[y]!;
      break;
  }
}

/** out = a operation b along a walk over [a, b]. */
function compute(
  operation: Operation,
  out: Float32Array,
  a: Float32Array,
  b: Float32Array,
  {shape, strides}: Walk,
): void {
  const [aStrides, bStrides] = strides as [readonly number[], readonly number[]];
  const last = shape.length - 1;
  const length = shape[last]!;
  const index = new Array<number>(last).fill(0);
  let [i, j] = [0, 0];
  for (let o = 0; o < out.length; o += length) {
    computeRun(operation, out, o, length, a, i, aStrides[last]!, b, j, bStrides[last]!);
    for (let axis = last - 1; axis >= 0; axis--) {
      i += aStrides[axis]!;
      j += bStrides[axis]!;
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
      i -= shape[axis]! * aStrides[axis]!;
      j -= shape[axis]! * bStrides[axis]!;
    }
  }
}

/** tfjs finds each number's place by an array of its indices. */
export const binaryKernels = (): KernelConfig[] =>
  operations.map((operation) =>
    cpuKernel<{a: TensorInfo; b: TensorInfo}>(operation, ({inputs: {a, b}, backend}) => {
      const shape = backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
      const out = makeFloats(backend, shape);
      const strides = [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)];
      const walk = simplify({shape, strides});
      compute(operation, out.values, floats(backend, a), floats(backend, b), walk);
      return out.info;
    }),
  );
