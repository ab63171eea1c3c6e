// What one rank does in sumGradients.test.ts; one line of JSON on stdout.
import {writeSync} from 'node:fs';
import tf from '#tfjs';
import {type BackendName, selectBackend} from '../../../src/kernels/backend.js';
import {withCommunicator} from '../../../src/train/mpi/communicator.js';
import {sumGradients} from '../../../src/train/mpi/sumGradients.js';

selectBackend({backend: process.argv[2] as BackendName});

await withCommunicator((communicator) => {
  const {rank} = communicator;
  const users = Float32Array.of(1, 2, 3, 4);
  const shape: [number, number] = [2, 2];
  const gradients: Record<string, tf.Tensor> = {
    users: tf.tensor(users, shape), // the user's own array
    native: tf.matMul(tf.ones(shape), tf.fill(shape, rank + 1)),
    shared: tf.matMul(tf.ones(shape), tf.fill(shape, rank + 1)),
    ...(rank === 0 ? {first: tf.matMul(tf.ones(shape), tf.ones(shape))} : {}),
    // The other order of names on every rank but the first.
    ...(rank === 0 ? {a: tf.ones([0]), b: tf.scalar(2)} : {b: tf.scalar(3), a: tf.ones([0])}),
  };
  const sibling = tf.reshape(gradients.shared!, [4]);
  gradients.twice = tf.matMul(tf.ones(shape), tf.ones(shape));
  gradients.again = gradients.twice;
  const variables = new Map(
    Object.entries({
      ...{users: shape, native: shape, shared: shape, first: shape, twice: shape, again: shape},
      ...{a: [0], b: [], nobody: [3]},
    }).map(([name, size]) => [name, tf.zeros(size) as tf.Tensor]),
  );
  const before = tf.memory().numTensors;
  const sums = sumGradients(communicator, gradients, variables);
  const added = tf.memory().numTensors - before;
  const facts = {
    rank,
    sums: Object.fromEntries(
      Object.entries(sums).map(([name, tensor]) => [name, [...tensor.dataSync()]]),
    ),
    shapes: Object.values(sums).every((tensor, i) => {
      const wanted = variables.get(Object.keys(sums)[i]!)!.shape;
      return JSON.stringify(tensor.shape) === JSON.stringify(wanted);
    }),
    inPlace: sums.native === gradients.native,
    users: [...users],
    sibling: [...sibling.dataSync()],
    added,
  };
  writeSync(1, `${JSON.stringify(facts)}\n`);
});
