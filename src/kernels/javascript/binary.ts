import tf from '#tfjs';
import type {KernelConfig, TensorInfo} from '@tensorflow/tfjs';
import {broadcastStrides, forEachRow, simplify, type Walk} from '../strides.js';
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
  walk: Walk,
): void {
  const length = walk.shape.at(-1)!;
  const [da, db] = walk.strides.map((own) => own.at(-1)!) as [number, number];
  let o = 0;
  forEachRow(walk, (offsets) => {
    computeRun(operation, out, o, length, a, offsets[0]!, da, b, offsets[1]!, db);
    o += length;
  });
}

/** tfjs finds each number's place by an array of its indices. */
export const binaryKernels = (): KernelConfig[] =>
  operations.map((operation) =>
    cpuKernel<{a: TensorInfo; b: TensorInfo}>(operation, ({inputs: {a, b}, backend}) => {
      const shape = tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
      const out = makeFloats(backend, shape);
      const strides = [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)];
      const walk = simplify({shape, strides});
      compute(operation, out.values, floats(backend, a), floats(backend, b), walk);
      return out.info;
    }),
  );
