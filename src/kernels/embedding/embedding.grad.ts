import tf from '#tfjs';
import {checkHasGradient} from '../weight.js';
import {Embedding} from './embedding.js';

export const EmbeddingGrad = 'EmuEmbeddingGrad';

export interface EmbeddingGradAttrs extends tf.NamedAttrMap {
  numRows: number;
}

// dTable[row] = sum of the dy of every id that named this row.
tf.registerGradient({
  kernelName: Embedding,
  inputsToSave: ['ids', 'table'],
  gradFunc: (dy, saved) => {
    const [ids, table] = saved as [tf.Tensor, tf.Tensor];
    const attrs: EmbeddingGradAttrs = {numRows: table.shape[0]!};
    const inputs = {ids, dy: dy as tf.Tensor};
    return {
      table: () => {
        checkHasGradient('embedding', table);
        return tf.engine().runKernel(EmbeddingGrad, inputs, attrs) as tf.Tensor;
      },
    };
  },
});
