import tf from '#tfjs';
import {Patches, type PatchesAttrs} from './patchEmbedding.js';

// Every pixel is in exactly one patch: dPixels is dy put back in the order of the pixels.
tf.registerGradient({
  kernelName: Patches,
  inputsToSave: ['pixels'],
  gradFunc: (dy, saved, attrs) => {
    const [pixels] = saved as [tf.Tensor4D];
    const {patchSize} = attrs as PatchesAttrs;
    return {
      pixels: () => {
        const [batch, channels, height, width] = pixels.shape;
        const rows = height / patchSize;
        const columns = width / patchSize;
        const shape = [batch, rows, columns, channels, patchSize, patchSize];
        const cut = tf.transpose(tf.reshape(dy as tf.Tensor, shape), [0, 3, 1, 4, 2, 5]);
        return tf.reshape(cut, pixels.shape);
      },
    };
  },
});
