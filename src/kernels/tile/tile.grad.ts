// In the place of tfjs's own gradient, which slices and adds the repetitions one by one: 128 calls for a
// token that is repeated for 64 pictures.
import tf from '#tfjs';

// y = x, reps[i] times along each axis: dx is the sum over the repetitions, each an axis of its own.
tf.registerGradient({
  kernelName: 'Tile',
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attrs) => {
    const [x] = saved as [tf.Tensor];
    const {reps} = attrs as unknown as {reps: number[]};
    const axes = reps.flatMap((times, axis) => (times === 1 ? [] : [axis]));
    const split = x.shape.flatMap((size, axis) =>
      reps[axis] === 1 ? [size] : [reps[axis]!, size],
    );
    // Each earlier repetition has moved the later axes by one.
    const summed = axes.map((axis, i) => axis + i);
    return {
      x: () =>
        axes.length === 0
          ? tf.clone(dy as tf.Tensor)
          : tf.reshape(tf.sum(tf.reshape(dy as tf.Tensor, split), summed), x.shape),
    };
  },
});
