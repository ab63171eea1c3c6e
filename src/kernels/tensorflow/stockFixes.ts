import tf from '#tfjs';
import {replaceKernel} from './customOp.js';
import {TENSORFLOW, type TensorflowBackend} from './tensorflowBackend.js';

/** Mends what tfjs-node-gpu's own kernels get wrong on the pinned TensorFlow. */
export function registerStockFixes(): void {
  // TensorFlow's Round gives zeros for int32, which is round as it is.
  const round = tf.getKernel('Round', TENSORFLOW);
  replaceKernel({
    ...round,
    kernelFunc: (call) => {
      const x = call.inputs.x as tf.TensorInfo;
      if (x.dtype !== 'int32') return round.kernelFunc(call);
      (call.backend as TensorflowBackend).incRef(x.dataId);
      return {dataId: x.dataId, shape: x.shape, dtype: x.dtype};
    },
  });
  // Its readSync knows its own tensors only: one of another backend is to come over first.
  const backend = tf.findBackend(TENSORFLOW) as TensorflowBackend;
  const readSync = backend.readSync.bind(backend);
  backend.readSync = (dataId) => {
    backend.tensorMap.get(dataId);
    return readSync(dataId);
  };
}
